// The service in TypeScript: what one run of an AI enhancement does. service.py and budgets.py say more.
import { PostHog } from 'posthog-node'

import type { AiAdmin, AiEnhancementUsedError, AiModelVersionVariant, Person } from './ai_admin_client.js'

/**
 * PostHog's SDK as the service uses it.
 * @param pollingInterval How many milliseconds may go by until a changed flag is noticed. Each fetch of changed
 *   definitions is billed (docs/clients.md).
 */
export function connected(projectApiKey: string, host: string, personalApiKey: string, pollingInterval = 60_000): PostHog {
  return new PostHog(projectApiKey, {
    host,
    personalApiKey,
    featureFlagsPollingInterval: pollingInterval,
    // Events wait here for a PostHog that can't be reached: as many as this, and each batch three minutes.
    maxQueueSize: 100_000,
    fetchRetryCount: 90,
    fetchRetryDelay: 2_000,
  })
}

/** Answers with so many tokens, or the reason why it does not. */
export type Model = (
  model: AiModelVersionVariant,
  promptTokens: number,
  maxTokens: number,
) => Promise<number | AiEnhancementUsedError>

/** Invented: read your provider's price list. */
const DOLLARS_PER_TOKEN: Record<AiModelVersionVariant, number> = {
  'deepseek-chat-v3': 0.7e-6,
  'deepseek-chat-r1': 1.4e-6,
}

/** Tokens that an installation has used on a day of UTC, or that a request of it may still use. */
interface Account {
  readonly day: string
  taken: number
}

/** Tokens that one request may use; no other request can use them until it is settled. */
interface Grant {
  readonly account: Account
  readonly tokens: number
}

/** How many tokens each installation may still use today. Nothing else runs between two lines without an `await`. */
export class Budgets {
  private readonly accounts = new Map<string, Account>()

  constructor(private readonly now: () => Date = () => new Date()) {}

  /** Takes what a request may use; undefined where too little is left. */
  grant(installation: string, ofDay: number, ofRequest: number, atLeast: number): Grant | undefined {
    const account = this.today(installation)
    const tokens = Math.min(ofRequest, ofDay - account.taken)
    if (tokens < atLeast) return undefined
    account.taken += tokens
    return { account, tokens }
  }

  /** Gives back what a request did not use. What it began yesterday counts for yesterday. */
  settle(grant: Grant, used: number): void {
    grant.account.taken += used - grant.tokens
  }

  private today(installation: string): Account {
    const day = this.now().toISOString().slice(0, 10)
    const known = this.accounts.get(installation)
    // A clock that is put back must not bring back yesterday's tokens.
    if (known && known.day >= day) return known
    const account = { day, taken: 0 }
    this.accounts.set(installation, account)
    return account
  }
}

/** What came of a run. */
export interface Run {
  promptTokens: number
  completionTokens: number
  error?: AiEnhancementUsedError
}

/** Runs AI enhancements for installations. */
export class AiService {
  private readonly told = new Map<string, string>()

  constructor(
    private readonly posthog: Pick<PostHog, 'capture'>,
    private readonly client: AiAdmin,
    private readonly model: Model,
    private readonly budgets: Budgets,
  ) {}

  /** Runs an AI enhancement within what the flags allow, and reports it; undefined where AI is off. */
  async run(installation: string, person: Person, promptTokens: number): Promise<Run | undefined> {
    const flags = await this.client.flags(installation, person)
    if (!flags.aiEnhancementEnabled()) return undefined
    const model = flags.aiModelVersion()
    const caps = [flags.aiMaxDailyTokens(), flags.aiMaxRequestTokens()] as const
    const run = await this.granted(installation, model, caps, promptTokens)
    const tokens = run.promptTokens + run.completionTokens
    const hour = new Date() // service.py says why not when it really ran
    hour.setUTCMinutes(0, 0, 0)
    this.tell(installation, { ...person, installation_id: installation, last_active: hour })
    this.client.captureAiEnhancementUsed(
      installation,
      {
        installation_id: installation,
        model,
        prompt_tokens: run.promptTokens,
        completion_tokens: run.completionTokens,
        total_tokens: tokens,
        estimated_cost: tokens * DOLLARS_PER_TOKEN[model],
        success: run.error === undefined,
        ...(run.error && { error: run.error }),
      },
      flags,
    )
    return run
  }

  /** Tells PostHog, before a run is reported, what is known of an installation, where it changed: see service.py. */
  private tell(installation: string, person: Person): void {
    const said = JSON.stringify(person)
    if (this.told.get(installation) === said) return
    this.told.set(installation, said)
    this.posthog.capture({ distinctId: installation, event: '$set', properties: { $set: person } })
  }

  private async granted(
    installation: string,
    model: AiModelVersionVariant,
    [ofDay, ofRequest]: readonly [number, number],
    promptTokens: number,
  ): Promise<Run> {
    const grant = this.budgets.grant(installation, ofDay, ofRequest, promptTokens + 1)
    if (!grant) {
      const error = promptTokens < ofRequest ? 'budget_exceeded' : 'context_too_long'
      return { promptTokens: 0, completionTokens: 0, error }
    }
    let used = promptTokens
    try {
      const answer = await this.model(model, promptTokens, grant.tokens - promptTokens)
      if (typeof answer !== 'number') return { promptTokens, completionTokens: 0, error: answer }
      used += answer
      return { promptTokens, completionTokens: answer }
    } finally {
      this.budgets.settle(grant, used)
    }
  }
}
