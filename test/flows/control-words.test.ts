import { afterAll, beforeAll, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { chunk, customProvider, DONE, ScriptedUpstream, stream, usageChunk, whole } from '../support/upstream.ts';

type Json = Record<string, any>;

const LEAKED = '[TOOL_CALLS]get_weather[ARGS]{"city": "Paris"}';

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({ config: customProvider(upstream.base) });
});
afterAll(() => upstream.stop());

const ask = async (more: Json = {}): Promise<{ readonly attempt: Json; readonly id: string }> => {
  const body = { model: 'lab/one', messages: [{ role: 'user', content: 'The weather in Paris?' }], ...more };
  const response = await gateway.post(body, { 'x-openrouter-metadata': 'enabled' });
  const text = await response.text();
  const frames = more.stream
    ? text.split('\n').flatMap((line) => (line.startsWith('data: {') ? [JSON.parse(line.slice(6)) as Json] : []))
    : [JSON.parse(text) as Json];
  const metadata = frames.findLast(({ openrouter_metadata }) => openrouter_metadata)?.openrouter_metadata as Json;
  return { attempt: metadata.attempts[0], id: response.headers.get('x-generation-id') ?? '' };
};
const endpoint = async (): Promise<Json> =>
  ((await gateway.json('/models/lab/one/endpoints')).data as Json).endpoints[0];

test('UP-149 control words at the beginning of a text flag the endpoint: on the attempt, in the listing, and once in the log', async () => {
  upstream.reply = () => whole('A [TOOL_CALLS] in the middle may be what was asked about.');
  expect((await ask()).attempt).not.toHaveProperty('control_words');
  expect(await endpoint()).not.toHaveProperty('turnpike');

  upstream.reply = () => whole(LEAKED);
  const { attempt, id } = await ask();
  expect(attempt).toMatchObject({ provider: 'Mine', control_words: '[TOOL_CALLS]' });
  const record = (await gateway.json(`/generation?id=${id}`)).data as Json;
  expect(record.provider_responses).toEqual([expect.objectContaining({ control_words: '[TOOL_CALLS]' })]);
  expect(await endpoint()).toMatchObject({ turnpike: { misconfigured: true } });

  upstream.reply = () =>
    stream(chunk({ content: ' [TH' }), chunk({ content: 'INK]Let me see.' }), chunk({}, 'stop'), usageChunk(), DONE);
  expect((await ask({ stream: true })).attempt).toMatchObject({ control_words: '[THINK]' });

  const { stderr } = await gateway.stop();
  const warned = stderr
    .split('\n')
    .flatMap((line) => (line.includes('misconfigured') ? [JSON.parse(line) as Json] : []));
  expect(warned).toEqual([
    expect.objectContaining({ endpoint: 'mine/lab/one', leaked: '[TOOL_CALLS]', generation: id }),
  ]);
});
