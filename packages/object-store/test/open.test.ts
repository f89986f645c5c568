import { describe, expect, it } from 'vitest'
import { DirectoryStore, openStore, parseStoreUrl, S3Store, StoreUrlError } from '../src/index.ts'

describe('store URLs', () => {
  it.each([
    ['s3://bucket', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://bucket/', { kind: 's3', bucket: 'bucket', prefix: '' }],
    ['s3://my.bucket-1/el9', { kind: 's3', bucket: 'my.bucket-1', prefix: 'el9/' }],
    ['S3://bucket/el9/x86_64/', { kind: 's3', bucket: 'bucket', prefix: 'el9/x86_64/' }],
    ['s3://bucket/a b%20c+d', { kind: 's3', bucket: 'bucket', prefix: 'a b%20c+d/' }],
    ['/srv/repo', { kind: 'directory', path: '/srv/repo', prefix: '' }],
    ['repo', { kind: 'directory', path: 'repo', prefix: '' }],
    ['C:/repo', { kind: 'directory', path: 'C:/repo', prefix: '' }],
    ['file:///srv/my%20repo', { kind: 'directory', path: '/srv/my repo', prefix: '' }],
    ['file://localhost/srv/repo', { kind: 'directory', path: '/srv/repo', prefix: '' }],
  ])('%s is %o', (text, location) => {
    expect(parseStoreUrl(text)).toEqual(location)
  })

  it.each([
    '',
    's3://',
    's3:///key',
    's3://b/',
    's3://buc ket',
    's3://bucket//x',
    's3://bucket/../x',
    'http://host/x',
    'file://host/x',
    'a\0b',
  ])('%j is refused by name', (text) => {
    expect(() => parseStoreUrl(text)).toThrow(StoreUrlError)
  })

  it('open as what they name', async () => {
    const s3 = openStore(parseStoreUrl('s3://bucket/el9'))
    expect(s3).toBeInstanceOf(S3Store)
    expect(s3.name).toBe('s3://bucket')
    await s3.close()
    const directory = openStore(parseStoreUrl('/srv/repo'))
    expect(directory).toBeInstanceOf(DirectoryStore)
    expect(directory.name).toBe('/srv/repo')
  })
})
