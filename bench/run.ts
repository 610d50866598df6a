import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { bodyOf, type Load } from './load.ts';
import { planCosts } from './plan.ts';
import { costMs, killAll, memoryMb, ROOT, run, start, startUp } from './processes.ts';

/**
 * What Turnpike costs beside the least a proxy can do, in one run: CPU of the server's own process, memory, and how soon it is ready.
 * 64 requests at a time, a provider that answers after 4 ms and streams a chunk every 4 ms, the targets taking turns.
 */
const ROUNDS = process.argv.includes('--quick') ? 2 : 5;
/** Enough for the compiler to be done with it. */
const WARM_UP = 10_000;
const PLAIN = 4000;
const STREAMS = 128;
const FEW = 10;
const MANY = 250;
const TOOL_DELTAS = 5000;
const LARGE_BYTES = 1024 * 1024;
const LARGE = 60;
const CONCURRENCY = 64;
const KEY = 'bench-key-0123456789-0123456789';

/** A way through a process. */
interface Way {
  readonly name: string;
  readonly pid: number;
  readonly url: string;
  readonly model: string;
  readonly wire: Load['wire'];
}

interface Costs {
  readonly plainUs: number[];
  readonly chunkUs: number[];
  readonly largeUs: number[];
  readonly toolUs: number[];
}

const emptyCosts = (): Costs => ({ plainUs: [], chunkUs: [], largeUs: [], toolUs: [] });

const load = ({ url, model, wire }: Way, more: Partial<Load>): Load => ({
  url,
  model,
  wire,
  key: KEY,
  concurrency: CONCURRENCY,
  requests: PLAIN,
  stream: false,
  chunks: FEW,
  ...more,
});

let asked = 0;
const cost = (way: Way, more: Partial<Load>): Promise<number> => {
  const wish = load(way, more);
  asked += wish.requests;
  return costMs(way.pid, wish);
};

async function round(way: Way, { plainUs, chunkUs, largeUs, toolUs }: Costs): Promise<void> {
  plainUs.push((1000 * (await cost(way, {}))) / PLAIN);
  const streams = { requests: STREAMS, stream: true };
  const few = await cost(way, { ...streams, chunks: FEW });
  const many = await cost(way, { ...streams, chunks: MANY });
  chunkUs.push((1000 * (many - few)) / (STREAMS * (MANY - FEW)));
  largeUs.push((1000 * (await cost(way, { requests: LARGE, bytes: LARGE_BYTES, concurrency: 4 }))) / LARGE);
  if (way.wire === 'messages' || way.model === 'lab/two') return;
  const calls = { requests: 2, stream: true, tools: true, concurrency: 2 };
  const call = await cost(way, { ...calls, chunks: TOOL_DELTAS });
  toolUs.push((1000 * (call - (2 * few) / STREAMS)) / (2 * TOOL_DELTAS));
}

/** What a body of a megabyte costs to read and to write once: bytes to text to a value and back. @returns µs of CPU */
function parseAndStringify(body: string): number {
  const bytes = new TextEncoder().encode(body);
  const once = (): number => {
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as object;
    return new TextEncoder().encode(JSON.stringify(value)).length;
  };
  for (let i = 0; i < 10; i += 1) once();
  const before = process.cpuUsage();
  for (let i = 0; i < LARGE; i += 1) once();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / LARGE;
}

/** How far apart the chunks of streams are, alone and while bodies of a megabyte come in one after another. */
async function gaps(way: Way): Promise<{ alone: number; beside: number }> {
  const streams = load(way, { requests: 64, stream: true, chunks: MANY });
  const alone = (await run(streams)).gapMsP99;
  let over = false;
  const large = (async (): Promise<void> => {
    while (!over) {
      await run(load(way, { requests: 20, bytes: LARGE_BYTES, concurrency: 1 }));
      asked += 20;
    }
  })();
  const beside = (await run(streams)).gapMsP99;
  over = true;
  await large;
  asked += 128;
  return { alone, beside };
}

const median = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

const CONFIG = (base: string): string => `credits: { mode: prepaid, initial_usd: 1000 }
providers:
  bench:
    base_url: ${base}
    api_key: sk-upstream
    endpoints:
      - { model: lab/one, upstream_model: one, context_length: 1000000, max_completion_tokens: 10000, pricing: { prompt: "0.000001", completion: "0.000002" } }
  bench-messages:
    dialect: anthropic-messages
    base_url: ${base}
    api_key: sk-upstream
    endpoints:
      - { model: lab/two, upstream_model: two, context_length: 1000000, max_completion_tokens: 10000, pricing: { prompt: "0.000001", completion: "0.000002" } }
`;

/** 12 tokens in at a dollar a million, 20 out at two: 52 micro-dollars a request. */
const USD_PER_REQUEST = 52e-6;

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'turnpike-bench-'));
  try {
    const mock = await start([join(import.meta.dir, 'mock.ts')]);
    const base = `http://127.0.0.1:${mock.line}/v1`;
    const proxy = await start([join(import.meta.dir, 'proxy.ts'), `${base}/chat/completions`]);
    writeFileSync(join(folder, 'turnpike.yaml'), CONFIG(base));
    const gateway = await start(
      ['--env-file', join(ROOT, 'runtime.env'), join(ROOT, 'src/main.ts'), 'serve', '--json'],
      { TURNPIKE_HOME: join(folder, 'home'), TURNPIKE_PORT: '0', TURNPIKE_API_KEY: KEY },
      folder,
    );
    const { api } = JSON.parse(gateway.line) as { api: string };
    const { pid } = gateway;
    const least: Way = {
      name: 'minimal proxy',
      pid: proxy.pid,
      url: `http://127.0.0.1:${proxy.line}/v1/chat/completions`,
      model: 'lab/one',
      wire: 'chat',
    };
    const chat: Way = { name: 'Turnpike', pid, url: `${api}/chat/completions`, model: 'lab/one', wire: 'chat' };
    const toMessages: Way = { ...chat, name: 'chat to messages', model: 'lab/two' };
    const fromMessages: Way = { ...chat, name: 'messages to chat', url: `${api}/messages`, wire: 'messages' };
    const ways = [least, chat, toMessages, fromMessages];
    for (const way of ways) await cost(way, { requests: way === toMessages || way === fromMessages ? 2000 : WARM_UP });
    const costs = new Map(ways.map((way) => [way, emptyCosts()]));
    let proxied = 0;
    for (let turn = 0; turn < ROUNDS; turn += 1)
      for (const way of turn % 2 === 0 ? ways : ways.toReversed()) {
        const before = asked;
        await round(way, costs.get(way) ?? emptyCosts());
        if (way === least) proxied += asked - before;
      }
    const peakMb = [memoryMb(proxy.pid, 'VmHWM'), memoryMb(pid, 'VmHWM')] as const;
    const delays = await gaps(chat);
    await checkWork(base, api, asked, asked - proxied - WARM_UP);
    const direct = await startUp(
      [process.execPath, '--env-file', join(ROOT, 'runtime.env'), join(ROOT, 'src/main.ts'), 'serve'],
      18_484,
    );
    const npm = await startUp(['npm', 'start', '--silent'], 18_485);
    const parseUs = parseAndStringify(bodyOf(load(chat, { bytes: LARGE_BYTES })));
    report({ ways, costs, peakMb, delays, direct, npm, parseUs, plans: planCosts() });
  } finally {
    killAll();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Nobody may look fast by doing nothing: the provider saw every request, and the ledger every dollar. */
async function checkWork(base: string, api: string, sent: number, billed: number): Promise<void> {
  const upstreamSaw = (await (await fetch(base)).json()) as { requests: number };
  if (upstreamSaw.requests !== sent)
    throw new Error(`the provider saw ${upstreamSaw.requests} requests instead of ${sent}`);
  const credits = (await (await fetch(`${api}/credits`, { headers: { authorization: `Bearer ${KEY}` } })).json()) as {
    data: { total_usage: number };
  };
  const expected = billed * USD_PER_REQUEST;
  if (Math.abs(credits.data.total_usage - expected) > 1e-9)
    throw new Error(`the ledger says ${credits.data.total_usage} USD instead of ${expected}`);
}

interface Results {
  readonly ways: readonly Way[];
  readonly costs: ReadonlyMap<Way, Costs>;
  readonly peakMb: readonly [number, number];
  readonly delays: { readonly alone: number; readonly beside: number };
  readonly direct: { readonly readyMs: number; readonly idleMb: number };
  readonly npm: { readonly readyMs: number };
  readonly parseUs: number;
  readonly plans: ReturnType<typeof planCosts>;
}

type Row = readonly [what: string, least: string, ours: string, ratio: string];

function rowsOf({ ways, costs, peakMb, delays, direct, npm, parseUs, plans }: Results): readonly Row[] {
  const of = (index: number, what: keyof Costs): number => {
    const way = ways[index];
    return median((way && costs.get(way)?.[what]) ?? []);
  };
  const compare = (label: string, index: number, what: keyof Costs, least = of(0, what)): Row => {
    const ours = of(index, what);
    return [label, `${least.toFixed(1)} µs`, `${ours.toFixed(1)} µs`, (ours / least).toFixed(2)];
  };
  return [
    compare('CPU per plain request', 1, 'plainUs'),
    compare('— chat to a host of Anthropic’s wire', 2, 'plainUs'),
    compare('— messages to a host of OpenAI’s wire', 3, 'plainUs'),
    compare('CPU per streamed chunk', 1, 'chunkUs'),
    compare('— chat from a host of Anthropic’s wire', 2, 'chunkUs'),
    compare('— messages from a host of OpenAI’s wire', 3, 'chunkUs'),
    compare('CPU per piece of a call’s arguments, 5,000 of them', 1, 'toolUs'),
    compare('CPU per request of 1 MB', 1, 'largeUs'),
    compare('— beside one parse and stringify of it', 1, 'largeUs', parseUs),
    compare('— translated', 2, 'largeUs'),
    ['Plan over 60 hosts, without a wish', '', `${plans.none.toFixed(1)} µs`, ''],
    ['— with ten preferences', '', `${plans.ten.toFixed(1)} µs`, ''],
    ['Peak memory', `${peakMb[0].toFixed(0)} MB`, `${peakMb[1].toFixed(0)} MB`, (peakMb[1] / peakMb[0]).toFixed(2)],
    ['Chunks of 64 streams apart, p99', '', `${delays.alone.toFixed(1)} ms`, ''],
    ['— while requests of 1 MB come in', '', `${delays.beside.toFixed(1)} ms`, ''],
    ['Idle memory, sandbox included', '', `${direct.idleMb.toFixed(0)} MB`, ''],
    ['Process start to /readyz', '', `${direct.readyMs.toFixed(0)} ms`, ''],
    ['npm start to /readyz', '', `${npm.readyMs.toFixed(0)} ms`, ''],
  ];
}

function report(results: Results): void {
  if (process.argv.includes('--json')) {
    const { costs, ...rest } = results;
    process.stdout.write(`${JSON.stringify({ ...rest, costs: [...costs.values()] })}\n`);
    return;
  }
  const line = (row: readonly string[]): string => `| ${row.join(' | ')} |\n`;
  process.stdout.write(line(['', 'minimal proxy', 'Turnpike', 'ratio']) + line(['---', '---:', '---:', '---:']));
  process.stdout.write(rowsOf(results).map(line).join(''));
  process.stdout.write(
    `\n${cpus().length} cores, ${Math.round(totalmem() / 2 ** 30)} GiB, ${CONCURRENCY} requests at a time, medians of ${ROUNDS} rounds.\n`,
  );
}

await main().catch((error: unknown) => {
  process.stderr.write(`bench failed: ${String((error as Error).message ?? error)}\n`);
  killAll();
  process.exit(1);
});
