/** What a file is, by its name. Nothing is guessed from bytes, and browsers are told not to. */
export function contentType(key: string): string {
  const name = key.slice(key.lastIndexOf('/') + 1)
  const extension = name.slice(name.lastIndexOf('.') + 1).toLowerCase()
  return types.get(extension) ?? 'application/octet-stream'
}

const text = 'text/plain; charset=utf-8'

const types: ReadonlyMap<string, string> = new Map([
  ['rpm', 'application/x-rpm'],
  ['drpm', 'application/x-rpm'],
  ['xml', 'application/xml'],
  ['gz', 'application/gzip'],
  ['zst', 'application/zstd'],
  ['xz', 'application/x-xz'],
  ['bz2', 'application/x-bzip2'],
  ['asc', 'application/pgp-signature'],
  ['key', 'application/pgp-keys'],
  ['html', 'text/html; charset=utf-8'],
  ['css', 'text/css; charset=utf-8'],
  ['js', 'text/javascript; charset=utf-8'],
  ['json', 'application/json'],
  ['svg', 'image/svg+xml'],
  ['png', 'image/png'],
  ['txt', text],
  ['repo', text],
  ['sha256', text],
])
