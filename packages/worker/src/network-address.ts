export interface Address {
  readonly host: string
  readonly port: number
}

/** `127.0.0.1:5000`, `localhost:0`, `[::1]:5000`. @returns `undefined` where the text is none of these */
export function parseAddress(text: string): Address | undefined {
  const [, bracketed, plain, digits] =
    /^(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  return host === undefined || !(port <= 65_535) ? undefined : { host, port }
}
