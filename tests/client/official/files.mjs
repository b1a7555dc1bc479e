// What a test needs to begin with: uploads and files.
import { randomUUID } from 'node:crypto'
import { owner, s3 } from '../stack.mjs'

/** An id that nobody has. */
export const nobodys = () => randomUUID()

/** The `s3ref` of a new upload. */
export async function upload(text = 'text', filename = 'notes.txt') {
  const { data } = await owner.uploadFileV2(null, { filename, mime_type: 'text/plain' })
  const { status } = await s3.put(data.upload_url, text, { headers: { 'content-type': 'text/plain' } })
  if (status !== 200) throw new Error(`S3 answered ${status}`)
  return data.s3ref
}

/** A new file with these attributes, and this text in it. */
export async function save(attributes, text) {
  const { data } = await owner.saveFileV2(null, { s3ref: await upload(text), ...attributes })
  return data
}
