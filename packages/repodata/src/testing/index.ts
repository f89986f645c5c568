/**
 * For tests: the inner parts that a second opinion on a document needs. Nothing that runs in production imports this.
 */
export {
  type BlockTable,
  formatBlockTable,
  openBlockTable,
  parseBlockTable,
  piecesOf,
  sealBlockTable,
} from '../block-table.ts'
export { documentFrames, formatFoot, formatHead, rpmNamespace } from '../document-kind.ts'
export { readPkgId, readPrimaryFacts } from '../entry-facts.ts'
export { parseDocument } from '../parse-document.ts'
