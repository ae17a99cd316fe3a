// The TypeScript service as a process of its own, for load.py: a question on each line of standard input, and on a line
// of standard output what came of it, in any order. Its argument is the seed of the model's randomness.
import { createInterface } from 'node:readline'
import { setTimeout as pause } from 'node:timers/promises'

import { AiAdmin } from './ai_admin_client.js'
import { AiService, Budgets, connected } from './service.js'

/** Numbers from 0 to 1, the same ones for a seed (mulberry32). */
function randomness(seed) {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

const random = randomness(Number(process.argv[2]))

/** DeepSeek, simulated as in deepseek.py. */
async function model(name, promptTokens, maxTokens) {
  await pause(50)
  if (random() < 0.02) return 'timeout'
  const wordy = name === 'deepseek-chat-r1' ? 3 : 1
  return Math.min(maxTokens, 1 + Math.floor(-Math.log(1 - random()) * promptTokens * wordy))
}

const { POSTHOG_HOST, POSTHOG_API_KEY, PROJECT_API_KEY } = process.env
const posthog = connected(PROJECT_API_KEY, POSTHOG_HOST, POSTHOG_API_KEY)
await posthog.waitForLocalEvaluationReady(30_000)
const client = new AiAdmin(posthog)
const service = new AiService(client, model, new Budgets())

const answers = {
  run: async ({ id, person, prompt }) => (await service.run(id, person, prompt)) ?? null,
  caps: async ({ id, person }) => {
    const flags = await client.flags(id, person)
    return [flags.aiMaxDailyTokens(), flags.aiMaxRequestTokens()]
  },
}

async function answer(line) {
  const { number, ask, ...about } = JSON.parse(line)
  console.log(JSON.stringify([number, await answers[ask](about)]))
}

const asked = []
for await (const line of createInterface({ input: process.stdin })) asked.push(answer(line))
await Promise.all(asked)
await posthog.shutdown(180_000)
