// Uploading.
import { anyone, owner } from '../stack.mjs'
import { nobodys } from './files.mjs'
import { operation } from './operation.mjs'

const full = { filename: 'a.pdf', mime_type: 'application/pdf', index_tag: 'building-7', metadata: { color: 'blue' } }

function uploads(operationId, created) {
  operation(operationId, async (call) => {
    await call(created, owner, null, { filename: 'plan.pdf' })
    await call(created, owner, null, full)
    await call(created, owner, { file_entity_id: nobodys() }, full)
    await call(created, owner, { file_entity_id: '' }, full)
    await call(400, owner, null, {})
    await call(400, owner, null, { ...full, index_tag: 'x'.repeat(65) })
    await call(400, owner, { file_entity_id: 'no id' }, full)
    await call(401, anyone, null, full)
  })
}

uploads('uploadFileV2', 201)
uploads('uploadFile', 200)

operation('uploadFilePublic', async (call) => {
  await call(201, anyone, null, { filename: 'plan.pdf' })
  await call(201, anyone, null, full)
  await call(201, anyone, null, full, { headers: { 'x-epilot-org-id': '123' } })
  await call(400, anyone, null, {})
  await call(400, anyone, null, { filename: '../plan.pdf' })
})
