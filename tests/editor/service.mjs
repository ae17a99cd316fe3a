// Runs the example's TypeScript service, compiled into the folder that is its argument, for a test: reads a question
// on each line of standard input, and answers each with a line of JSON.
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

const compiled = (name) => import(pathToFileURL(`${process.argv[2]}/${name}.js`))
const { AiAdmin, InvalidEvent } = await compiled('ai_admin_client')
const { AiService, Budgets, connected } = await compiled('service')
const { HOST, PROJECT_API_KEY, API_KEY } = process.env
const posthog = connected(PROJECT_API_KEY, HOST, API_KEY, 200)
await posthog.waitForLocalEvaluationReady(1000)
const client = new AiAdmin(posthog)
const model = async (_, promptTokens, maxTokens) => Math.min(maxTokens, 5 * promptTokens)
const service = new AiService(client, model, new Budgets())

const answers = {
  async limits({ id, person }) {
    const flags = await client.flags(id, person)
    const caps = [flags.aiMaxDailyTokens(), flags.aiMaxRequestTokens()]
    return [flags.aiEnhancementEnabled(), flags.aiModelVersion(), ...caps, flags.aiRetryTimeouts() ?? null]
  },
  async run({ id, person, prompt, times }) {
    const runs = await Promise.all(Array.from({ length: times }, () => service.run(id, person, prompt)))
    return runs.map((run) => run ?? null)
  },
  async capture({ id, properties }) {
    try {
      client.captureAiEnhancementUsed(id, properties)
      return ''
    } catch (error) {
      if (error instanceof InvalidEvent) return error.message
      throw error
    }
  },
}
for await (const line of createInterface({ input: process.stdin })) {
  const { ask, ...about } = JSON.parse(line)
  console.log(JSON.stringify(await answers[ask](about)))
}
await posthog.shutdown()
