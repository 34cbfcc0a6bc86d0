import { Redis } from 'ioredis'
import { RedisQueue } from '../../shared/queue/redis-queue.ts'
import { redisPrefix, redisUrl } from '../support/databases.ts'
import { postgres, startService, type Service } from '../support/service.ts'

/** How many queues the tests' services count with. */
export const queues = 8

/** Starts an API and a worker that ring each other through Redis, below a prefix that only this test file uses. */
export async function startRedisService(url: string = redisUrl()): Promise<Service> {
  const queue = () => new RedisQueue({ urls: [url] }, { queues, namespace: redisPrefix() })
  return startService(await postgres(), { queue })
}

/** A connection that looks at Redis past the service. */
export function witness(): Redis {
  return new Redis(redisUrl())
}
