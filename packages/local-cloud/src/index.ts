export type { Call, CallLog } from './call-log.ts'
export { type Clock, type ClockOptions, createClock } from './clock.ts'
export type { FaultReport, FaultRule, Faults } from './faults.ts'
export { type LocalCloud, type LocalCloudOptions, startLocalCloud } from './local-cloud.ts'
