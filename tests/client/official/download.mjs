// Downloading, and the URLs of files that are kept elsewhere.
import assert from 'node:assert/strict'
import { anyone, owner, stranger } from '../stack.mjs'
import { nobodys, save, upload } from './files.mjs'
import { operation } from './operation.mjs'

const custom_download_url = 'https://files.example/plans'

/** The id of a file that is kept elsewhere. */
async function elsewhere() {
  const { data } = await owner.saveFileV2(null, { custom_download_url, filename: 'plan.pdf' })
  return data._id
}

operation('downloadFile', async (call) => {
  const { _id: id } = await save()
  await call(200, owner, { id })
  await call(200, owner, { id, version: 0, attachment: false })
  await call(200, owner, { id: await elsewhere() })
  await call(400, owner, { id, version: 'latest' })
  await call(400, owner, { id, attachment: 'maybe' })
  await call(401, anyone, { id })
  await call(404, owner, { id: nobodys() })
  await call(404, owner, { id, version: 1 })
  await call(404, stranger, { id })
})

operation('downloadS3File', async (call) => {
  const asked = ({ bucket, key }) => ({ s3_bucket: bucket, s3_key: key })
  const { s3ref } = await save()
  await call(200, owner, asked(s3ref))
  await call(200, owner, { ...asked(await upload()), attachment: false })
  await call(400, owner, { s3_bucket: s3ref.bucket })
  await call(400, owner, { ...asked(s3ref), s3_bucket: 'another' })
  await call(400, owner, { ...asked(s3ref), attachment: 'maybe' })
  await call(401, anyone, asked(s3ref))
  await call(404, owner, asked({ ...s3ref, key: s3ref.key.replace(/[0-9a-f-]{36}/, nobodys()) }))
  await call(404, stranger, asked(s3ref))
})

operation('downloadFiles', async (call) => {
  const { _id } = await save()
  const found = [{ id: _id }, { id: _id, version: 0 }, { id: await elsewhere() }]
  const wanted = [...found, { id: nobodys() }, { id: _id, version: 9 }]
  const { data } = await call(200, owner, null, wanted)
  assert.deepEqual(data.map((entry) => entry.file_entity_id), wanted.map(({ id }) => id))
  assert.deepEqual(data.map((entry) => Boolean(entry.download_url)), [true, true, true, false, false])
  const { data: refused } = await call(200, stranger, null, [{ id: _id }])
  assert.deepEqual(refused.map(({ download_url, status }) => [download_url, status]), [[undefined, 404]])
  await call(400, owner, null, { id: _id })
  await call(400, owner, null, [{ version: 0 }])
  await call(400, owner, null, [{ id: 'no id' }])
  await call(401, anyone, null, wanted)
})

operation('verifyCustomDownloadUrl', async (call) => {
  const { data } = await owner.downloadFile({ id: await elsewhere() })
  for (const [client, url, valid] of [
    [owner, data.download_url, true],
    [owner, `${data.download_url}x`, false],
    [owner, custom_download_url, false],
    [stranger, data.download_url, false],
  ]) {
    const reply = await call(200, client, null, { custom_download_url: url })
    assert.equal(reply.data.valid, valid)
  }
  await call(400, owner, null, {})
  await call(401, anyone, null, { custom_download_url: data.download_url })
})
