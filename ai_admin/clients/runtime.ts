// What generated TypeScript clients stand on. `ai-admin clients` copies what follows the imports into each of them.
import type { PostHog } from 'posthog-node'

type Evaluated = Awaited<ReturnType<PostHog['evaluateFlags']>> | undefined
type Json = { [key: string]: unknown }
type Fits<V> = (value: unknown) => value is V

/** What flags are released by, beside an installation and its properties. */
export interface Groups {
  groups?: Record<string, string>
  groupProperties?: Record<string, Record<string, any>>
}

/** An event that is not as the catalogue describes it, and was not sent. */
export class InvalidEvent extends Error {}

/** What the catalogue says of an event's property. */
interface Property {
  /** Its type in PostHog; empty where it may be anything. */
  readonly type: keyof typeof TYPES
  readonly required: boolean
  /** All values that it can have; empty where they are not listed. */
  readonly values: readonly unknown[]
}

/** Evaluates flags in this process, and captures events, by PostHog's SDK. */
class Client {
  /**
   * @param posthog The SDK's client, with a `personalApiKey`. Where PostHog can't be reached, flags give their
   *   fallbacks until it can, and from then on what the definitions said that came last.
   *   `await posthog.waitForLocalEvaluationReady()` waits for the first.
   */
  constructor(protected readonly posthog: PostHog) {}

  protected async evaluated(keys: string[], id: string, person: object, by: Groups): Promise<Evaluated> {
    // Without any definitions the SDK would fetch them here, and whoever asks would wait for PostHog.
    if (!this.posthog.isLocalEvaluationReady()) return undefined
    const options = { personProperties: { ...person }, ...by, onlyEvaluateLocally: true, flagKeys: keys }
    try {
      return await this.posthog.evaluateFlags(id, options)
    } catch (error) {
      console.error("flags give their fallbacks, since PostHog's SDK can't evaluate what it fetched", error)
      return undefined
    }
  }

  protected send(
    event: string,
    distinctId: string,
    described: Map<string, Property>,
    given: object,
    flags: Readers | undefined,
  ): void {
    const evaluated = flags?._evaluated
    const properties = checked(event, described, { ...given })
    this.posthog.capture({ distinctId, event, properties, ...(evaluated && { flags: evaluated }) })
  }
}

/** Reads flags that were evaluated for one installation at one time. */
class Readers {
  constructor(readonly _evaluated: Evaluated) {}

  protected _switched(key: string, fallback: boolean): boolean {
    const value = this._evaluated?.getFlag(key)
    return typeof value === 'boolean' ? value : fallback
  }

  protected _variant<V, F>(key: string, variants: readonly V[], fallback: F): V | F {
    const value: unknown = this._evaluated?.getFlag(key)
    return variants.find((each) => each === value) ?? fallback
  }

  protected _anyVariant<F>(key: string, fallback: F): string | F {
    const value = this._evaluated?.getFlag(key)
    return typeof value === 'string' ? value : fallback
  }

  protected _payload<V, F>(key: string, fits: Fits<V>, fallback: F): V | F {
    // getFlag lets PostHog know that the flag is in use, which getFlagPayload does not.
    const value: unknown = this._evaluated?.getFlag(key) ? this._evaluated.getFlagPayload(key) : undefined
    return fits(value) ? value : fallback
  }

  protected _number<F>(key: string, fits: Fits<number>, fallback: F, ceiling = Infinity): number | F {
    const value = this._payload(key, fits, undefined)
    return value === undefined ? fallback : Math.min(value, ceiling)
  }
}

const FITS = {
  any: (value: unknown): value is unknown => true,
  array: (value: unknown): value is unknown[] => Array.isArray(value),
  boolean: (value: unknown): value is boolean => typeof value === 'boolean',
  integer: (value: unknown): value is number => Number.isInteger(value),
  moment: (value: unknown): value is Date => value instanceof Date && !Number.isNaN(value.getTime()),
  number: (value: unknown): value is number => Number.isFinite(value),
  object: (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value),
  string: (value: unknown): value is string => typeof value === 'string',
}

const TYPES = {
  '': ['a value', FITS.any],
  String: ['a text', FITS.string],
  Boolean: ['true or false', FITS.boolean],
  Numeric: ['a finite number', FITS.number],
  Duration: ['a finite number', FITS.number],
  DateTime: ['a Date', FITS.moment],
} as const

function checked(event: string, described: Map<string, Property>, given: Json): Json {
  const names = new Set([...described.keys(), ...Object.keys(given)])
  const value = (name: string) => (Object.hasOwn(given, name) ? given[name] : undefined)
  const wrong = [...names].map((name) => fault(name, described.get(name), value(name))).filter(Boolean)
  if (wrong.length) throw new InvalidEvent(`${event} was not sent: ${wrong.join('; ')}`)
  return given
}

/** What is wrong with a property, without its value, which may be private; empty where nothing is. */
function fault(name: string, described: Property | undefined, value: unknown): string {
  if (described === undefined) return `${name} is not known`
  if (value === undefined) return described.required ? `${name} is missing` : ''
  const [wanted, fits] = TYPES[described.type]
  if (!fits(value)) return `${name} must be ${wanted}, not ${value === null ? 'null' : typeof value}`
  const listed = described.values.length === 0 || described.values.includes(value)
  return listed ? '' : `${name} must be one of ${described.values.join(', ')}`
}
