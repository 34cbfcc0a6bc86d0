import { slotCount } from '../engine/slot.ts'

/** The name of the queue that rings for a group of slots. */
export function queueName(group: number): string {
  return `posting-${group}`
}

/**
 * What every key of a queue begins with. The braces make it one hash slot of a Redis Cluster, so that a queue's keys are
 * together and the queues are spread.
 */
export function keyPrefix(group: number, namespace: string): string {
  return `{${namespace}:${queueName(group)}}`
}

/** The group that a slot belongs to while there are `queues` queues. */
export function groupOf(slot: number, queues: number): number {
  return slot % queues
}

/** All slots of a group. */
export function slotsOfGroup(group: number, queues: number): number[] {
  const slots: number[] = []
  for (let slot = group; slot < slotCount; slot += queues) slots.push(slot)
  return slots
}
