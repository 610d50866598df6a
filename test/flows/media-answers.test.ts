import { afterAll, beforeAll, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import {
  chunk,
  customProvider,
  DONE,
  readFrames,
  ScriptedUpstream,
  stream,
  usageChunk,
  whole,
} from '../support/upstream.ts';

/** What answers hold beside text: pictures, and what was read in documents. */

type Json = Record<string, any>;

let upstream: ScriptedUpstream;
let gateway: RunningGateway;
beforeAll(async () => {
  upstream = new ScriptedUpstream();
  gateway = await RunningGateway.start({ config: customProvider(upstream.base) });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const url = 'data:image/png;base64,iVBORw0KGgo=';
/** As hosts give them: by the book, as a bare address, and as a chunk of the content. */
const SPELLINGS: readonly Json[] = [
  { images: [{ type: 'image_url', image_url: { url } }] },
  { images: [{ image_url: { url } }] },
  { images: [{ type: 'image_url', image_url: url }] },
];
const content = [
  { type: 'text', text: 'The Rhine is 1233 km long.' },
  { type: 'image_url', image_url: { url } },
];
const annotations = [
  { type: 'file', file: { hash: 'a1b2', name: 'rhine.pdf', content } },
  { type: 'url_citation', url_citation: { url: 'https://a.example', title: 'A', start_index: 0, end_index: 3 } },
  { type: 'mystery', mystery: {} },
];

/** The message of a whole answer, and the deltas of a stream put together. */
async function answers(more: Json): Promise<readonly Json[]> {
  const question = { model: 'lab/one', messages: [{ role: 'user', content: 'What do you see?' }] };
  upstream.reply = () => whole('This', { message: more });
  const one = (await (await gateway.post(question)).json()) as Json;
  upstream.reply = () =>
    stream(chunk({ role: 'assistant', content: 'This' }), chunk(more), chunk({}, 'stop'), usageChunk(), DONE);
  const frames = readFrames(await (await gateway.post({ ...question, stream: true })).text()).data;
  const deltas = frames.flatMap(({ choices }) => choices?.[0]?.delta ?? []) as Json[];
  const all = (name: string): Json => {
    const found = deltas.flatMap((delta) => delta[name] ?? []);
    return found.length > 0 ? { [name]: found } : {};
  };
  return [one.choices[0].message, { ...all('images'), ...all('annotations') }];
}

test.each(SPELLINGS)(
  'INF-109 pictures of an answer say that they are pictures, however the host spelt them: %j',
  async (spelt) => {
    for (const message of await answers(spelt))
      expect(message.images).toEqual([{ type: 'image_url', image_url: { url } }]);
  },
);

test('INF-108 what was read in a file comes with its hash and its name, and notes of unknown kinds are left out', async () => {
  for (const message of await answers({ annotations })) expect(message.annotations).toEqual(annotations.slice(0, 2));
  // Without its hash or its name such a note is of no use, and clients reject the whole answer for it.
  for (const file of [
    { name: 'rhine.pdf', content },
    { hash: 'a1b2', content },
    { hash: 7, name: 'rhine.pdf', content },
  ])
    for (const message of await answers({ annotations: [{ type: 'file', file }] }))
      expect(message.annotations ?? []).toEqual([]);
});
