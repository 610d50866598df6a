/** Request examples that run as they stand against the gateway the visitor is looking at. */
export interface SnippetInput {
  readonly origin: string;
  readonly model: string;
  readonly provider: string | undefined;
}

const PROMPT = 'Say hello in five words.';

export function curl({ origin, model, provider }: SnippetInput): string {
  const only = provider === undefined ? '' : `\n    "provider": {"only": ["${provider}"]},`;
  return `curl ${origin}/api/v1/chat/completions \\
  -H "Authorization: Bearer $TURNPIKE_API_KEY" \\
  -H "Content-Type: application/json" \\
  -d '{
    "model": "${model}",${only}
    "messages": [{"role": "user", "content": "${PROMPT}"}]
  }'`;
}

export function typescript({ origin, model, provider }: SnippetInput): string {
  const only =
    provider === undefined
      ? ''
      : `\n  // @ts-expect-error a member of this gateway's API\n  provider: { only: ['${provider}'] },`;
  return `import OpenAI from 'openai';

const client = new OpenAI({
  baseURL: '${origin}/api/v1',
  apiKey: process.env.TURNPIKE_API_KEY,
});

const answer = await client.chat.completions.create({
  model: '${model}',
  messages: [{ role: 'user', content: '${PROMPT}' }],${only}
});
console.log(answer.choices[0].message.content);`;
}

export function python({ origin, model, provider }: SnippetInput): string {
  const only = provider === undefined ? '' : `\n    extra_body={"provider": {"only": ["${provider}"]}},`;
  return `import os
from openai import OpenAI

client = OpenAI(
    base_url="${origin}/api/v1",
    api_key=os.environ["TURNPIKE_API_KEY"],
)
answer = client.chat.completions.create(
    model="${model}",
    messages=[{"role": "user", "content": "${PROMPT}"}],${only}
)
print(answer.choices[0].message.content)`;
}
