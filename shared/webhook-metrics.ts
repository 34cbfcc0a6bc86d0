/** What a process tells of the webhooks that it sends. No label names an endpoint: there may be any number of them. */
export interface WebhookMetrics {
  /** Counts one delivery that is done, or given up. */
  ended(outcome: 'delivered' | 'failed'): void
  /** Counts one attempt that failed. `kind` is one of a few. */
  attemptFailed(kind: string): void
  /** Counts one endpoint that is sent nothing more. */
  disabled(reason: string): void
  /** Counts one endpoint for which events are lost. */
  passedOver(): void
  /** Shows how a sender is doing, read when the metrics are. */
  show(reading: () => SenderReading): void
}

/** How a sender is doing: its endpoints, and when the oldest event happened that one of them waits for. */
export interface SenderReading {
  readonly sending: number
  readonly failing: number
  readonly oldestAt: number | null
}
