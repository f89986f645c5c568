/** HTTP in front of a store of packages. */
export { Door, type DoorAddress, type DoorOptions } from './door.ts'
export { DoorError } from './door-error.ts'
export type { DoorEvent } from './door-event.ts'
export type { DoorLimits } from './limits.ts'
