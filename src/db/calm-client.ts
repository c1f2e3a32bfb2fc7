import pg from 'pg'

/**
 * A connection whose loss never ends the process. An `error` event without a listener is thrown, and nobody listens
 * to a client between its pool and whoever waits for it, nor do BullMQ's backend and work of our own. Nothing is
 * hidden: the statement that runs is rejected, and so is the next one.
 */
export class CalmClient extends pg.Client {
  constructor(config?: pg.ClientConfig) {
    super(config)
    this.on('error', () => {})
  }
}
