import { CreateBucketCommand, ListObjectsCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3'
import fc from 'fast-check'
import { beforeAll, describe, expect, it } from 'vitest'
import { listKeys } from '../src/s3/listing.ts'
import { compareUtf8, SortedKeys } from '../src/s3/sorted-keys.ts'
import { cloudForTests } from './cloud.ts'

const under = cloudForTests()
const Bucket = 'listing'
const keys = [
  'a b+c%.rpm',
  'el9/Packages/a.rpm',
  'el9/Packages/b.rpm',
  'el9/repodata/repomd.xml',
  'el8/x.rpm',
  'zü',
  'con\u0001trol',
]
const sorted = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))

beforeAll(async () => {
  const { s3 } = under()
  await s3.send(new CreateBucketCommand({ Bucket }))
  for (const Key of keys) await s3.send(new PutObjectCommand({ Bucket, Key, Body: Key }))
})

describe('ListObjectsV2', () => {
  it('gives all keys in the order of their bytes, page by page', async () => {
    const found: (string | undefined)[] = []
    let ContinuationToken: string | undefined
    do {
      const page = await under().s3.send(
        new ListObjectsV2Command({ Bucket, MaxKeys: 2, ContinuationToken, EncodingType: 'url' }),
      )
      expect(page.KeyCount).toBeLessThanOrEqual(2)
      found.push(...(page.Contents ?? []).map(({ Key }) => Key && decodeURIComponent(Key.replaceAll('+', ' '))))
      ContinuationToken = page.NextContinuationToken
    } while (ContinuationToken !== undefined)
    expect(found).toEqual(sorted)
  })

  it('rolls up what is below a delimiter', async () => {
    const page = await under().s3.send(new ListObjectsV2Command({ Bucket, Prefix: 'el9/', Delimiter: '/' }))
    expect(page.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['el9/Packages/', 'el9/repodata/'])
    expect(page.Contents).toBeUndefined()
  })

  it('starts after a key, and tells size, ETag and date', async () => {
    const page = await under().s3.send(
      new ListObjectsV2Command({ Bucket, StartAfter: 'el9/Packages/a.rpm', Prefix: 'el9/P' }),
    )
    expect(page.Contents).toEqual([
      expect.objectContaining({
        Key: 'el9/Packages/b.rpm',
        Size: 18,
        ETag: expect.stringMatching(/^"[0-9a-f]{32}"$/),
        LastModified: expect.any(Date),
      }),
    ])
  })
})

describe('ListObjects', () => {
  it('goes on with the marker that it gave', async () => {
    const first = await under().s3.send(
      new ListObjectsCommand({ Bucket, Delimiter: '/', MaxKeys: 3, EncodingType: 'url' }),
    )
    expect([first.IsTruncated, first.NextMarker]).toEqual([true, 'el8/'])
    const rest = await under().s3.send(new ListObjectsCommand({ Bucket, Delimiter: '/', Marker: first.NextMarker }))
    expect(rest.CommonPrefixes?.map(({ Prefix }) => Prefix)).toEqual(['el9/'])
    expect(rest.Contents?.map(({ Key }) => Key)).toEqual(['zü'])
  })
})

describe('a listing', () => {
  const key = fc.string({
    unit: fc.constantFrom('a', 'b', '/', 'é', '\u{ffff}', '\u{1f389}'),
    minLength: 1,
    maxLength: 6,
  })

  it('compares keys as their UTF-8 bytes', () => {
    const unit = fc.constantFrom('a', 'é', '\u{d7ff}', '\u{e000}', '\u{ffff}', '\u{10000}', '\u{10ffff}')
    const any = fc.string({ unit })
    fc.assert(
      fc.property(any, any, (a, b) => {
        expect(Math.sign(compareUtf8(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)))
      }),
    )
  })

  it('in pages of any size is the whole, each item once', () => {
    const prefixes = fc.constantFrom('', 'a', 'a/', 'é')
    fc.assert(
      fc.property(
        fc.uniqueArray(key),
        prefixes,
        fc.constantFrom('', '/', 'b'),
        fc.integer({ min: 1, max: 5 }),
        (all, prefix, delimiter, max) => {
          const index = new SortedKeys(all)
          const query = { prefix, delimiter, after: '', afterPrefix: false }
          const whole = listKeys(index, { ...query, max: 1000 })
          const paged: string[] = []
          let from = { after: '', isPrefix: false }
          for (;;) {
            const page = listKeys(index, { ...query, after: from.after, afterPrefix: from.isPrefix, max })
            paged.push(...page.keys, ...page.commonPrefixes)
            if (page.next === undefined) break
            from = page.next
          }
          expect(paged.sort(compareUtf8)).toEqual([...whole.keys, ...whole.commonPrefixes].sort(compareUtf8))
        },
      ),
    )
  })

  it('without a delimiter is every key with the prefix, sorted', () => {
    fc.assert(
      fc.property(fc.uniqueArray(key), fc.constantFrom('', 'a', '/'), (all, prefix) => {
        const { keys: found } = listKeys(new SortedKeys(all), {
          prefix,
          delimiter: '',
          after: '',
          afterPrefix: false,
          max: 1000,
        })
        expect(found).toEqual(all.filter((each) => each.startsWith(prefix)).sort(compareUtf8))
      }),
    )
  })

  it('follows keys that come and go', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(key, fc.boolean())), (changes) => {
        const index = new SortedKeys()
        const model = new Set<string>()
        for (const [each, isAdded] of changes) {
          if (isAdded) index.add(each)
          else index.delete(each)
          if (isAdded) model.add(each)
          else model.delete(each)
        }
        const found = Array.from({ length: index.size }, (_, position) => index.at(position))
        expect(found).toEqual([...model].sort(compareUtf8))
      }),
    )
  })
})
