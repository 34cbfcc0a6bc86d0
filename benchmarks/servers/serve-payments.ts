import fastify from 'fastify'
import type pg from 'pg'

/**
 * Serves payments at the address of ours, one database transaction a request: `post` is what happens inside. Prints the address
 * when it listens.
 */
export async function servePayments(
  pool: pg.Pool,
  post: (client: pg.PoolClient, body: unknown) => Promise<unknown>,
): Promise<void> {
  const server = fastify({ logger: false })
  server.post('/api/v1/transactions', async (request, reply) => {
    const client = await pool.connect()
    try {
      await client.query('begin')
      const transaction = await post(client, request.body)
      await client.query('commit')
      return await reply.code(201).send(transaction)
    } catch (error) {
      await client.query('rollback')
      throw error
    } finally {
      client.release()
    }
  })
  console.log(await server.listen({ host: '127.0.0.1', port: 0 }))
}
