// The flow of every file, driven by the official client against the deployed stack.
import assert from 'node:assert/strict'
import { randomBytes, randomUUID } from 'node:crypto'
import { describe, test } from 'node:test'
import { conforms } from './contract.mjs'
import { anyone, owner, s3, stranger } from './stack.mjs'

/** The reply of an operation, whatever its status, once it has been held against both documents. */
async function call(client, operation, ...args) {
  const reply = await client[operation](...args).catch((error) => error.response ?? Promise.reject(error))
  conforms(operation, reply)
  return reply
}

/** The body of an operation that must succeed. */
async function ok(client, operation, ...args) {
  const reply = await call(client, operation, ...args)
  assert.ok(reply.status < 300, `${operation} answered ${reply.status}: ${JSON.stringify(reply.data)}`)
  return reply.data
}

const read = async (url) => {
  const { status, data, headers } = await s3.get(url)
  return { status, bytes: data, headers }
}

const put = async (url, bytes, contentType) => {
  const { status } = await s3.put(url, bytes, { headers: { 'content-type': contentType } })
  return status
}

/** Uploads `bytes` and replies with the `s3ref` to save them by. */
async function upload(client, operation, bytes, filename = 'notes.txt') {
  const place = await ok(client, operation, null, { filename, mime_type: 'text/plain' })
  assert.equal(await put(place.upload_url, bytes, 'text/plain'), 200)
  return place.s3ref
}

const bytesOf = async (id, version) => {
  const { download_url } = await ok(owner, 'downloadFile', { id, version })
  const reply = await read(download_url)
  assert.equal(reply.status, 200)
  return reply.bytes
}

const generations = [
  { name: 'v2', upload: 'uploadFileV2', uploaded: 201, save: 'saveFileV2', saved: 200 },
  { name: 'v1', upload: 'uploadFile', uploaded: 200, save: 'saveFile', saved: 201 },
]

for (const api of generations) {
  describe(`${api.name}: the official client`, () => {
    const savedFile = async (bytes = randomBytes(100), attributes = {}) =>
      ok(owner, api.save, null, { s3ref: await upload(owner, api.upload, bytes), ...attributes })

    test(`upload answers ${api.uploaded} and save ${api.saved}`, async () => {
      const uploaded = await call(owner, api.upload, null, { filename: 'notes.txt', mime_type: 'text/plain' })
      assert.equal(uploaded.status, api.uploaded)
      assert.equal(await put(uploaded.data.upload_url, 'text', 'text/plain'), 200)
      const saved = await call(owner, api.save, null, { s3ref: uploaded.data.s3ref })
      assert.equal(saved.status, api.saved)
      assert.equal(saved.data.public_url, uploaded.data.public_url)
    })

    test('the bytes that were uploaded are the bytes that are downloaded', async () => {
      const bytes = randomBytes(300_000)
      const saved = await savedFile(bytes, { filename: 'Grüße "2".txt' })
      assert.deepEqual(await ok(owner, 'getFile', { id: saved._id }), saved)
      assert.deepEqual(await bytesOf(saved._id), bytes)
      assert.equal(saved.size_bytes, bytes.length)
      assert.equal(saved._title, 'Grüße "2".txt')
      assert.equal(saved.mime_type, 'text/plain')
      assert.equal(saved.type, 'text')
      assert.equal(saved.access_control, 'private')
    })

    test('bytes of another content type than promised are refused', async () => {
      const place = await ok(owner, api.upload, null, { filename: 'a.txt', mime_type: 'text/plain' })
      assert.equal(await put(place.upload_url, 'text', 'text/html'), 403)
      assert.equal((await call(owner, api.save, null, { s3ref: place.s3ref })).status, 404)
    })

    test('an upload saved twice is one file', async () => {
      const s3ref = await upload(owner, api.upload, 'once')
      const first = await ok(owner, api.save, null, { s3ref })
      assert.deepEqual(await ok(owner, api.save, null, { s3ref }), first)
    })

    test('attributes of the caller are kept, and changed without a new upload', async () => {
      const file = await savedFile('text', { _tags: ['a'], building: { number: 7 } })
      assert.deepEqual([file._tags, file.building], [['a'], { number: 7 }])
      const changed = await ok(owner, api.save, null, { _id: file._id, _tags: ['b'], filename: 'renamed.txt' })
      assert.deepEqual([changed._tags, changed.building, changed._title], [['b'], { number: 7 }, 'renamed.txt'])
      assert.equal(changed.versions.length, 1)
    })

    test('a new upload under the same _id is a new version, newest first, and the old bytes stay', async () => {
      const [older, newer] = [randomBytes(100), randomBytes(200)]
      const first = await savedFile(older)
      const s3ref = await upload(owner, api.upload, newer)
      const second = await ok(owner, api.save, null, { _id: first._id, s3ref })
      assert.equal(second._id, first._id)
      assert.deepEqual(second.versions.map((version) => version.size_bytes), [200, 100])
      assert.deepEqual(second.versions[0].s3ref, second.s3ref)
      assert.deepEqual(second.versions[1].s3ref, first.s3ref)
      assert.deepEqual(await bytesOf(first._id), newer)
      assert.deepEqual(await bytesOf(first._id, 0), newer)
      assert.deepEqual(await bytesOf(first._id, 1), older)
      assert.equal((await call(owner, 'downloadFile', { id: first._id, version: 2 })).status, 404)
    })

    test('every version opens to everyone with public-read and closes again with private', async () => {
      const first = await savedFile('one')
      const { _id } = first
      const second = await ok(owner, api.save, null, { _id, s3ref: await upload(owner, api.upload, 'two') })
      const statuses = () =>
        Promise.all([first, second].map(async ({ public_url }) => (await read(public_url)).status))

      assert.deepEqual(await statuses(), [403, 403])
      const opened = await ok(owner, api.save, null, { _id, access_control: 'public-read' })
      assert.equal(opened.public_url, second.public_url)
      assert.deepEqual(await statuses(), [200, 200])
      assert.equal(String((await read(opened.public_url)).bytes), 'two')
      await ok(owner, api.save, null, { _id, access_control: 'private' })
      assert.deepEqual(await statuses(), [403, 403])
    })

    test("another organisation's file answers as one that does not exist", async () => {
      const { _id } = await savedFile()
      const refusal = async (operation, ...args) => {
        const { status, data } = await call(stranger, operation, ...args)
        return { operation, status, data }
      }
      const all = async (id) => [
        await refusal('getFile', { id }),
        await refusal('downloadFile', { id }),
        await refusal('deleteFile', { id, purge: true }),
        await refusal(api.save, null, { _id: id, filename: 'mine.txt' }),
      ]
      const refusals = await all(_id)
      assert.deepEqual(refusals.map(({ status }) => status), [404, 404, 404, 404])
      assert.deepEqual(refusals, await all(randomUUID()))
      assert.equal((await ok(owner, 'getFile', { id: _id })).filename, 'notes.txt')
    })

    test("another organisation's upload cannot be saved", async () => {
      const s3ref = await upload(owner, api.upload, 'mine')
      const { status } = await call(stranger, api.save, null, { s3ref })
      assert.ok([400, 404].includes(status), `answered ${status}`)
      await ok(owner, api.save, null, { s3ref })
    })

    test('a purged file is gone: its record, its downloads and the bytes of every version', async () => {
      const first = await savedFile('one', { access_control: 'public-read' })
      const { _id } = await ok(owner, api.save, null, { _id: first._id, s3ref: await upload(owner, api.upload, 'two') })
      const urls = [first.public_url]
      for (const version of [0, 1]) urls.push((await ok(owner, 'downloadFile', { id: _id, version })).download_url)
      for (const url of urls) assert.equal((await read(url)).status, 200)

      assert.equal((await ok(owner, 'deleteFile', { id: _id, purge: true }))._id, _id)
      assert.equal((await call(owner, 'getFile', { id: _id })).status, 404)
      assert.equal((await call(owner, 'downloadFile', { id: _id })).status, 404)
      assert.equal((await call(owner, 'deleteFile', { id: _id, purge: true })).status, 404)
      // S3 answers 403 instead of 404 for a missing object to those who may not list the bucket.
      for (const url of urls) assert.match(String((await read(url)).status), /^40[34]$/)
    })

    test('without a token every operation but those for the public answers 401', async () => {
      const id = randomUUID()
      const s3ref = { bucket: 'any', key: 'any' }
      for (const [operation, ...args] of [
        [api.upload, null, { filename: 'notes.txt' }],
        [api.save, null, { s3ref }],
        ['getFile', { id }],
        ['downloadFile', { id }],
        ['deleteFile', { id }],
      ]) {
        assert.equal((await call(anyone, operation, ...args)).status, 401, operation)
      }
    })

    test('bad input answers 400 in the form of the contract', async () => {
      const s3ref = await upload(owner, api.upload, 'text')
      for (const [operation, body] of [
        [api.upload, {}],
        [api.upload, { filename: '../notes.txt' }],
        [api.upload, { filename: 'notes.txt', index_tag: 'x'.repeat(65) }],
        [api.save, {}],
        [api.save, { s3ref, access_control: 'public' }],
        [api.save, { s3ref, type: 'poem' }],
      ]) {
        const { status, data } = await call(owner, operation, null, body)
        assert.equal(status, 400, `${operation} ${JSON.stringify(body)}`)
        assert.equal(data.status, 400)
        assert.match(data.error, /^Bad Request: ./)
      }
      await ok(owner, api.save, null, { s3ref }) // nothing was changed
    })
  })
}

describe('the official client', () => {
  test('a public upload needs no token, and is saved with one', async () => {
    const bytes = randomBytes(100)
    const s3ref = await upload(anyone, 'uploadFilePublic', bytes)
    const { _id } = await ok(owner, 'saveFileV2', null, { s3ref })
    assert.deepEqual(await bytesOf(_id), bytes)
  })

  test('many files are downloaded at once, and one that is not there stops no other', async () => {
    const bytes = [randomBytes(100), randomBytes(200)]
    const first = await ok(owner, 'saveFileV2', null, { s3ref: await upload(owner, 'uploadFileV2', bytes[0]) })
    const s3ref = await upload(owner, 'uploadFileV2', bytes[1])
    const { _id: id } = await ok(owner, 'saveFileV2', null, { _id: first._id, s3ref })
    const missing = randomUUID()
    const wanted = [{ id }, { id: missing }, { id, version: 1 }]
    const replies = await ok(owner, 'downloadFiles', null, wanted)
    assert.deepEqual(replies.map(({ file_entity_id }) => file_entity_id), [id, missing, id])
    assert.deepEqual((await read(replies[0].download_url)).bytes, bytes[1])
    assert.equal(replies[1].download_url, undefined)
    assert.deepEqual((await read(replies[2].download_url)).bytes, bytes[0])
    assert.ok((await ok(stranger, 'downloadFiles', null, wanted)).every(({ download_url }) => !download_url))
  })

  test('an s3ref is downloaded as it was returned, saved or not', async () => {
    const bytes = randomBytes(100)
    const uploaded = await upload(owner, 'uploadFileV2', bytes, 'Übersicht 📎.txt')
    const download = (client, { bucket, key }) => call(client, 'downloadS3File', { s3_bucket: bucket, s3_key: key })
    const before = await download(owner, uploaded)
    assert.deepEqual((await read(before.data.download_url)).bytes, bytes)
    const { s3ref } = await ok(owner, 'saveFileV2', null, { s3ref: uploaded })
    const { data } = await download(owner, s3ref)
    assert.deepEqual((await read(data.download_url)).bytes, bytes)
    for (const ref of [uploaded, s3ref]) assert.equal((await download(stranger, ref)).status, 404)
  })

  test('a custom download URL that was not signed here is not valid', async () => {
    const custom_download_url = 'https://some-api-url.com?file_id=123&expires_at=1699273500029&signature=abcdefg'
    assert.deepEqual(await ok(owner, 'verifyCustomDownloadUrl', null, { custom_download_url }), { valid: false })
  })

  test('a session reads files by its cookie until it is ended', async () => {
    const s3ref = await upload(owner, 'uploadFileV2', 'text')
    const { _id: id } = await ok(owner, 'saveFileV2', null, { s3ref })
    const started = await call(owner, 'getSession')
    assert.equal(started.status, 200)
    const [cookie] = started.headers['set-cookie'][0].split('; ')
    const inSession = { headers: { cookie } }
    assert.equal((await call(anyone, 'getFile', { id }, null, inSession)).status, 200)
    assert.equal((await call(anyone, 'deleteFile', { id }, null, inSession)).status, 401)
    const ended = await call(anyone, 'deleteSession', null, null, inSession)
    assert.equal(ended.status, 200)
    assert.match(ended.headers['set-cookie'][0], /^token=; .*Max-Age=0/)
  })

  test('a browser saves a download under its true name, or shows it', async () => {
    const s3ref = await upload(owner, 'uploadFileV2', 'text', 'Übersicht 📎.txt')
    const { _id: id } = await ok(owner, 'saveFileV2', null, { s3ref })
    for (const [attachment, disposition] of [[undefined, 'attachment'], [true, 'attachment'], [false, 'inline']]) {
      const { download_url } = await ok(owner, 'downloadFile', { id, attachment })
      const header = (await read(download_url)).headers['content-disposition']
      assert.ok(header.startsWith(disposition), header)
      assert.ok(header.includes(`filename*=UTF-8''${encodeURIComponent('Übersicht 📎.txt')}`), header)
    }
  })

  test('a file deleted without purge is hidden from everyone at once', async () => {
    const s3ref = await upload(owner, 'uploadFileV2', 'text')
    const file = await ok(owner, 'saveFileV2', null, { s3ref, access_control: 'public-read' })
    assert.equal((await read(file.public_url)).status, 200)
    assert.deepEqual((await ok(owner, 'deleteFile', { id: file._id })).versions, file.versions)
    assert.equal((await call(owner, 'getFile', { id: file._id })).status, 404)
    assert.equal((await call(owner, 'saveFileV2', null, { _id: file._id, filename: 'back.txt' })).status, 404)
    assert.equal((await read(file.public_url)).status, 403)
  })

  test('a public link gives the file to anyone, without a token, until it is revoked', async () => {
    const s3ref = await upload(owner, 'uploadFileV2', 'text', 'Übersicht 📎.txt')
    const { _id } = await ok(owner, 'saveFileV2', null, { s3ref })
    const link = await ok(owner, 'generatePublicLink', { id: _id })
    const { results } = await ok(owner, 'listPublicLinksForFile', { id: _id })
    assert.deepEqual(results.map((result) => result.link), [link])
    const [{ id }] = results

    const redirect = await call(anyone, 'accessPublicLink', { id, filename: 'any name' }, null, { maxRedirects: 0 })
    assert.equal(redirect.status, 302)
    assert.equal(String((await read(redirect.headers.location)).bytes), 'text')
    assert.equal(String((await read(link)).bytes), 'text') // as a browser follows it

    assert.equal((await call(stranger, 'revokePublicLink', { id })).status, 404)
    assert.equal((await call(anyone, 'revokePublicLink', { id })).status, 401)
    assert.equal((await call(owner, 'revokePublicLink', { id })).status, 204)
    assert.equal((await call(anyone, 'accessPublicLink', { id, filename: 'any name' })).status, 404)
    assert.deepEqual(await ok(owner, 'listPublicLinksForFile', { id: _id }), { results: [] })
  })

  test('our v1 routes read like v2 and delete at once', async () => {
    const s3ref = await upload(owner, 'uploadFile', 'text')
    const file = await ok(owner, 'saveFile', null, { s3ref })
    const path = `/v1/files/${file._id}`
    const found = await owner.get(path)
    conforms('getFileV1', found)
    assert.deepEqual(found.data, file)
    const { download_url } = await ok(owner, 'downloadFile', { id: file._id })
    conforms('deleteFileV1', await owner.delete(path))
    const gone = await owner.get(path, { validateStatus: () => true })
    conforms('getFileV1', gone)
    assert.equal(gone.status, 404)
    assert.match(String((await read(download_url)).status), /^40[34]$/)
  })
})
