/**
 * Node names the file where an operation on its path fails, and not where one on an open file does: who reads that no space is left wants to
 * know where.
 *
 * @throws what `work` throws, with the path in its message where it is the system's and has none
 */
export async function namingFile<T>(path: string, work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch (error) {
    if (!(error instanceof Error) || !('syscall' in error) || 'path' in error) throw error
    error.message = `${error.message} '${path}'`
    throw Object.assign(error, { path })
  }
}
