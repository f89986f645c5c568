import type { ObjectStore } from '@repokeeper/object-store'

/** The store, with something done before each write. */
export function beforeWrites(store: ObjectStore, before: (key: string) => void | Promise<void>): ObjectStore {
  return new Proxy(store, {
    get(target, name) {
      const value = Reflect.get(target, name)
      if (typeof value !== 'function') return value
      if (name !== 'put' && name !== 'delete' && name !== 'copy') return value.bind(target)
      return async (...args: readonly [unknown, unknown]) => {
        await before(String(name === 'copy' ? args[1] : args[0]))
        return value.apply(target, args)
      }
    },
  })
}
