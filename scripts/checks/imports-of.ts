import { parseSync } from 'rolldown/utils'

export interface FoundImport {
  /** As it is written: `./scan.ts`, `node:fs`, `@repokeeper/repodata`. */
  readonly specifier: string
  /** From 1. */
  readonly line: number
}

/**
 * Every module that a TypeScript or JavaScript source names, in the order of the text: `import` and `export … from`, types
 * included, `import()` in expressions and in types, and `require()`. An `import()` of something computed is left out.
 *
 * @throws SyntaxError if the source can't be parsed
 */
export function importsOf(file: string, source: string): FoundImport[] {
  const { program, errors } = parseSync(file, source)
  const [error] = errors
  if (error !== undefined) throw new SyntaxError(`${file}: ${error.message}`)

  const found: { specifier: string; start: number }[] = []
  visit(program, (node) => {
    const named = moduleNamedBy(node)
    if (named !== undefined) found.push(named)
  })
  return found
    .sort((a, b) => a.start - b.start)
    .map(({ specifier, start }) => ({ specifier, line: source.slice(0, start).split('\n').length }))
}

type Node = Readonly<Record<string, unknown>>

// import/export … from 'x', import('x'), the type import('x').T, require('x'), import x = require('x')
function moduleNamedBy(node: Node): { specifier: string; start: number } | undefined {
  switch (node.type) {
    case 'ImportDeclaration':
    case 'ExportNamedDeclaration':
    case 'ExportAllDeclaration':
    case 'ImportExpression':
    case 'TSImportType':
      return stringLiteral(node.source)
    case 'TSExternalModuleReference':
      return stringLiteral(node.expression)
    case 'CallExpression':
      return isNode(node.callee) && node.callee.name === 'require' && Array.isArray(node.arguments)
        ? stringLiteral(node.arguments[0])
        : undefined
    default:
      return undefined
  }
}

function stringLiteral(node: unknown): { specifier: string; start: number } | undefined {
  if (!isNode(node) || node.type !== 'Literal') return undefined
  const { value, start } = node
  return typeof value === 'string' && typeof start === 'number' ? { specifier: value, start } : undefined
}

function visit(value: unknown, see: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, see)
  } else if (isNode(value)) {
    see(value)
    for (const child of Object.values(value)) visit(child, see)
  }
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
