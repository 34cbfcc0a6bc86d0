import { expect, test } from 'vitest'
import { openStore } from '../../shared/store/open.ts'
import { startCuttingProxy } from '../support/cutting-proxy.ts'
import { createPostgresDatabase } from '../support/databases.ts'

test('a pooler that drops the settings of a connection keeps the service from opening its store', async () => {
  const url = await createPostgresDatabase()
  const pooler = await startCuttingProxy(url, withoutOptions)
  try {
    await expect(openStore({ dialect: 'postgres', url: pooler.url })).rejects.toThrow(
      /^cannot open the database at 127\.0\.0\.1:\d+\/\w+ \(DATABASE_URL\): what a connection asks for does not reach the server/,
    )
  } finally {
    await pooler.close()
  }
  // With nothing but a network between, it opens.
  const network = await startCuttingProxy(url)
  const { store } = await openStore({ dialect: 'postgres', url: network.url })
  await store.close()
  await network.close()
})

/** The first packet of a connection, without its `options`: length, version of the protocol, names and values, all ended by a zero. */
function withoutOptions(packet: Buffer): Buffer {
  const words = packet.subarray(8, -2).toString().split('\0')
  const kept = words.filter((_, index) => words[index - (index % 2)] !== 'options')
  const body = Buffer.from(`${kept.join('\0')}\0\0`)
  const head = Buffer.from(packet.subarray(0, 8))
  head.writeInt32BE(head.length + body.length)
  return Buffer.concat([head, body])
}
