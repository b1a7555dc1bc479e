// The scripts and the Makefile say in a sentence what is wrong. Needs no stack.
import assert from 'node:assert/strict'
import { spawn, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('../../', import.meta.url))
// Nothing of the `make` that runs this, and no account of this machine.
const { PATH, HOME } = process.env
const clean = { PATH, HOME, AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' }

const checkout = mkdtempSync(join(tmpdir(), 'file-api-'))
after(() => rmSync(checkout, { recursive: true }))
for (const path of ['infra/local', 'Makefile']) cpSync(join(root, path), join(checkout, path), { recursive: true })
mkdirSync(join(checkout, '.local'))

/** Runs this in a folder, and returns its exit status and all that it printed. */
async function run(cwd, command, env = {}) {
  const child = spawn('bash', ['-c', command], { cwd, env: { ...clean, ...env } })
  let printed = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (printed += data))
  const status = await new Promise((resolve) => child.on('close', resolve))
  return { status, printed: printed.replace(/^make.*\n/gm, '').trim() }
}

/** It fails, and all that it prints is this sentence. */
async function refuses(cwd, command, sentence) {
  const { status, printed } = await run(cwd, command)
  assert.match(printed, sentence)
  assert.equal(printed.split('\n').length, 1, printed)
  assert.notEqual(status, 0)
}

/** A server on a port of its own that answers every path, as another emulator does the path for its health. */
async function anotherServer() {
  const server = createServer((_, response) => response.end('1'))
  await promisify(server.listen.bind(server))(0, '127.0.0.1')
  return { port: server.address().port, close: () => server.close() }
}

test('a port that is no number is refused', () =>
  refuses(checkout, 'make stop PORT=abc', /^PORT is a number from 1 to 65000, not `abc`/))

test('a function that does not exist is refused', async () => {
  await refuses(root, 'make invoke FUNCTION=nope', /^There is no function `nope`/)
  await refuses(root, 'infra/local/watch.sh nope', /^There is no function `nope`/)
})

test('a key is not rotated without a region, or by an emulator that does not run', async () => {
  await refuses(root, 'make rotate-key', /^The key was not replaced\. Say which region/)
  await refuses(checkout, 'make -o .local/tools/installed.txt rotate-key LOCAL=1', /^The emulator is not running/)
})

test('an architecture that Lambda lacks is refused', () =>
  refuses(root, 'make build ARCH=riscv', /^ARCH is arm64 or x86_64, not riscv/))

test('the port of the last start is remembered, and one that is given wins', async () => {
  writeFileSync(join(checkout, 'infra/local/port.sh'), 'source "$(dirname "$0")/env.sh"; echo "$AWS_ENDPOINT_URL"')
  writeFileSync(join(checkout, 'port.mk'), 'port:\n\t@bash infra/local/port.sh\n')
  const expect = async (port, given) => {
    const { printed } = await run(checkout, `make -f Makefile -f port.mk port ${given}`)
    assert.equal(printed, `http://localhost:${port}`)
  }
  await expect(4566, '')
  writeFileSync(join(checkout, '.local/port'), '4567\n')
  await expect(4567, '')
  await expect(4568, 'PORT=4568')
})

test('another program on the port is not taken for the emulator', async () => {
  const { port, close } = await anotherServer()
  await refuses(checkout, `PORT=${port} infra/local/emulator.sh start`, /^Port \d+ is taken by another program/)
  close()
})

test('another emulator on the port is not taken for the one that runs', async () => {
  const { port, close } = await anotherServer()
  const emulator = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', join(checkout, 'infra/local/emulator.py')])
  writeFileSync(join(checkout, '.local/emulator.pid'), `${emulator.pid}`)
  writeFileSync(join(checkout, '.local/port'), `${port}`)
  await refuses(checkout, 'infra/local/emulator.sh start', /^The emulator runs \(process \d+\) but does not answer on port/)
  await refuses(checkout, 'PORT=4321 infra/local/emulator.sh start', /^The emulator runs on port \d+\. To move it to port 4321/)
  emulator.kill()
  close()
})

test('a program that needs a newer glibc than Lambda has is refused', () => {
  const folder = join(checkout, 'build')
  const check = (...needs) => {
    writeFileSync(join(folder, 'bootstrap'), `\x7fELF${needs.map((version) => `\0${version}\0`).join('')}`, 'latin1')
    return spawnSync('python3', [join(root, 'infra/glibc.py'), folder], { encoding: 'utf8' })
  }
  mkdirSync(folder)
  writeFileSync(join(folder, 'notes'), '\0GLIBC_2.99\0')
  assert.match(spawnSync('python3', [join(root, 'infra/glibc.py'), folder], { encoding: 'utf8' }).stderr, /^There is no Linux program/)
  assert.equal(check('GLIBC_2.2.5', 'GLIBC_2.34', 'GLIBC_2.3.4').status, 0)
  for (const version of ['GLIBC_2.35', 'GLIBC_3.0', 'GLIBC_ABI_DT_RELR']) {
    const { status, stderr } = check('GLIBC_2.17', version)
    assert.match(stderr, new RegExp(`bootstrap needs ${version.replace('.', '\\.')}, but`))
    assert.notEqual(status, 0)
  }
})
