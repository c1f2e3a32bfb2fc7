import { isDatabaseAway } from './away.ts'
import type { Channel, Listener } from './listen.ts'

/** Answers of the database that are kept until it says that they changed. */
export interface Remembered<Value> {
  /**
   * The answer to a question, at once when it is known.
   * @param subject - what it is about, as the channel's notifications name it
   * @param question - tells the questions about one subject apart
   * @param ask - asks the database; neither null nor an error is kept
   */
  get(
    subject: string,
    question: string,
    ask: () => Promise<Value | null>,
  ): Value | null | Promise<Value | null>
  /** Asks about a subject again, without waiting to be told of a change. Done when the answers have taken their place. */
  renew(subject: string): Promise<void>
  /** Stops listening. */
  close(): void
}

/** How answers are kept. */
export interface RememberedOptions<Value> {
  channel: Channel
  /**
   * Is given each answer that is to take the place of another, which holds until this is done: the time to get ready
   * for the new one. When it fails, the old one stays.
   */
  prepare?: (value: Value, before: Value) => Promise<unknown>
  /** Is told what went wrong while nobody waited. */
  onError: (error: unknown) => void
}

interface Entry<Value> {
  subject: string
  question: string
  ask: () => Promise<Value | null>
  /** Null before the first answer. */
  value: Value | null
  /** When somebody last wanted to know. */
  wantedAtMs: number
  /** When the question was asked that the value answers. */
  askedAtMs: number
  /** Notifications may have been missed since. */
  isDoubtful: boolean
  /** A notification came while the question was being asked. */
  isOutdated: boolean
  asking: Promise<void> | null
}

/** A question is asked again after this time even without a notification: a lost connection may look alive. */
const TRUSTED_MS = 10_000
/** What nobody wanted to know for this long is not asked again at a change, but forgotten. */
const WANTED_MS = 60_000
/** How long the last answer counts while the database is away. */
const AWAY_MS = 60_000
const SUBJECTS_MAX = 10_000

/**
 * Keeps the answers to questions, so that most requests need no query. Every process sees a change as soon as Postgres
 * tells of it; where notifications may have been missed, each question is asked again before its answer is given. While
 * the database is away the last answers go on for a minute.
 */
export function createRemembered<Value>(
  listener: Pick<Listener, 'on' | 'isListening'>,
  { channel, prepare, onError }: RememberedOptions<Value>,
): Remembered<Value> {
  const subjects = new Map<string, Map<string, Entry<Value>>>()

  const add = (subject: string, question: string, ask: Entry<Value>['ask']): Entry<Value> => {
    const entry = {
      ...{ subject, question, ask },
      ...{ value: null, wantedAtMs: 0, askedAtMs: 0, isDoubtful: true, isOutdated: false, asking: null },
    }
    const entries = subjects.get(subject) ?? new Map<string, Entry<Value>>()
    subjects.set(subject, entries.set(question, entry))
    if (subjects.size > SUBJECTS_MAX)
      for (const [oldest] of [...subjects].slice(0, 1)) subjects.delete(oldest)
    return entry
  }

  const forget = (entry: Entry<Value>) => {
    const entries = subjects.get(entry.subject)
    entry.value = null
    if (entries?.get(entry.question) === entry) entries.delete(entry.question)
    if (entries?.size === 0) subjects.delete(entry.subject)
  }

  const isReady = async (value: Value, before: Value): Promise<boolean> => {
    try {
      await prepare?.(value, before)
      return true
    } catch (error) {
      onError(error)
      return false
    }
  }

  const askOnce = async (entry: Entry<Value>): Promise<void> => {
    const askedAtMs = performance.now()
    try {
      const value = await entry.ask()
      if (value === null) return forget(entry)
      if (entry.value === null || (await isReady(value, entry.value))) entry.value = value
      entry.askedAtMs = askedAtMs
      entry.isDoubtful = false
    } catch (error) {
      const isStillGood = entry.value !== null && performance.now() - entry.askedAtMs < AWAY_MS
      if (isDatabaseAway(error) && isStillGood) return
      forget(entry)
      throw error
    }
  }

  const askUntilSettled = async (entry: Entry<Value>): Promise<void> => {
    try {
      do {
        entry.isOutdated = false
        await askOnce(entry)
      } while (entry.isOutdated)
    } finally {
      entry.asking = null
    }
  }

  const renew = (entry: Entry<Value>): Promise<void> => {
    entry.asking ??= askUntilSettled(entry)
    return entry.asking
  }

  const entriesOf = (subject: string) => [...(subjects.get(subject)?.values() ?? [])]

  const renewOutdated = async (entry: Entry<Value>): Promise<void> => {
    if (!entry.asking && performance.now() - entry.wantedAtMs > WANTED_MS) return forget(entry)
    entry.isOutdated = true
    return renew(entry).catch(onError)
  }

  const stop = listener.on(channel, subject => {
    if (subject !== null) return void entriesOf(subject).map(renewOutdated)
    for (const entry of [...subjects.values()].flatMap(entries => [...entries.values()])) {
      entry.isOutdated = true
      entry.isDoubtful = true
    }
  })

  return {
    close: stop,
    renew: async subject => void (await Promise.all(entriesOf(subject).map(renewOutdated))),
    get(subject, question, ask) {
      const entry = subjects.get(subject)?.get(question) ?? add(subject, question, ask)
      entry.wantedAtMs = performance.now()
      const isSure = entry.value !== null && listener.isListening() && !entry.isDoubtful
      if (!isSure) return renew(entry).then(() => entry.value)
      if (entry.wantedAtMs - entry.askedAtMs > TRUSTED_MS) renew(entry).catch(onError)
      return entry.value
    },
  }
}
