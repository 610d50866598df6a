import { beforeEach, describe, expect, test } from 'bun:test';
import { endpoint, model, request, world } from '../../test/support/world.ts';
import type { GenerationRequest, Message } from '../canon/request.ts';
import type { Counts } from '../canon/units.ts';
import { price } from '../ledger/price.ts';
import type { Candidate } from '../router/candidate.ts';
import { UNTRIED } from '../router/standing.ts';
import { StickyHosts } from '../router/sticky.ts';
import { conversationName } from './conversation-name.ts';
import { Conversations } from './conversations.ts';

/** Conversations and their hosts over hours, on a clock that is set by hand. */

const MINUTE = 60_000;
let now: number;
let conversations: Conversations;
const clock = { now: () => now, monotonic: () => now, after: () => () => {} };
beforeEach(() => {
  now = 1_000_000;
  conversations = new Conversations(clock);
});

const cheaper = { input: '1000000', output: '1000000', 'cache-read': '100000' } as const;
const snapshot = world({
  models: [model('lab/one'), model('lab/alone'), model('lab/two')],
  endpoints: [
    endpoint('a', 'lab/one', 1, { rates: cheaper }),
    endpoint('b', 'lab/one', 1, { rates: cheaper }),
    endpoint('a', 'lab/alone', 1, { rates: cheaper }),
    endpoint('c', 'lab/one', 1, { rates: { ...cheaper, 'cache-read': '1000000' } }),
    endpoint('a', 'lab/two', 1),
    endpoint('b', 'lab/two', 1),
  ],
});
const roads = { snapshot, defaultModel: undefined };

const stickyOf = (asked: GenerationRequest, key = 'key'): string | undefined =>
  conversations.of(asked, key, roads)?.sticky?.endpoint;
const served = (asked: GenerationRequest, at: string, counts: Counts, key = 'key'): void => {
  const own = snapshot.endpoint(`${at}/${asked.model}`);
  if (!own) throw new Error(`no endpoint at ${at}`);
  const candidate: Candidate = {
    endpoint: own,
    provider: snapshot.provider(at) as Candidate['provider'],
    model: snapshot.model(own.model) as Candidate['model'],
    reason: '',
    price: 1,
    standing: UNTRIED,
  };
  conversations.served({
    keyHash: key,
    conversation: conversations.of(asked, key, roads),
    request: asked,
    snapshot,
    candidate,
    counts,
    price: price(counts, snapshot.rates(own)),
  });
};
const READ: Counts = { input: 200, 'cache-read': 800, output: 5 };
const UNREAD: Counts = { input: 1000, output: 5 };

describe('how long a host is remembered', () => {
  test('INF-221 ten idle minutes, which every success starts anew', () => {
    const asked = request();
    served(asked, 'b', READ);
    now += 10 * MINUTE - 1;
    expect(stickyOf(asked)).toBe('b/lab/one');
    served(asked, 'b', UNREAD);
    now += 10 * MINUTE - 1;
    expect(stickyOf(asked)).toBe('b/lab/one');
    // Asking alone, and a success elsewhere that put nothing into a cache, start nothing.
    served(asked, 'a', UNREAD);
    now += 1;
    expect(stickyOf(asked)).toBeUndefined();
    served(asked, 'b', UNREAD);
    expect(stickyOf(asked)).toBeUndefined();
  });

  test('an hour where a cache for an hour was bought, however plain the turns after it are', () => {
    const text = { kind: 'text', text: 'long', cache: { ttl: '1h' } } as const;
    const marked = request({ messages: [{ role: 'user', parts: [text] }] });
    served(marked, 'b', READ);
    now += 20 * MINUTE;
    expect(stickyOf(marked)).toBe('b/lab/one');
    const { cache: _mark, ...bare } = text;
    served(request({ messages: [{ role: 'user', parts: [bare] }] }), 'b', READ);
    now += 39 * MINUTE;
    expect(stickyOf(marked)).toBe('b/lab/one');
    now += 1 * MINUTE;
    expect(stickyOf(marked)).toBeUndefined();
  });

  test('ten minutes where an hour was asked for and nothing was put into a cache', () => {
    const asked = request({ sessionId: 's', cache: { ttl: '1h' } });
    served(asked, 'b', UNREAD);
    now += 10 * MINUTE;
    expect(stickyOf(asked)).toBeUndefined();
  });

  test('the conversations that were silent longest are forgotten where there are too many', () => {
    const hosts = new StickyHosts(2);
    const at = { endpoint: 'a', model: 'm', cached: 0 };
    hosts.keep('one', at, 1000, 0);
    hosts.keep('two', at, 1000, 0);
    hosts.keep('one', at, 1000, 0);
    hosts.keep('three', at, 1000, 0);
    expect(['one', 'two', 'three'].map((name) => hosts.find(name, 1) !== undefined)).toEqual([true, false, true]);
    expect(hosts.size).toBe(2);
  });
});

describe('which conversations are looked for at all', () => {
  test('none of a model with one host, of one without prices for caches, with an order, or of what is no answer', () => {
    expect(conversations.of(request({ model: 'lab/alone' }), 'key', roads)).toBeUndefined();
    expect(conversations.of(request({ model: 'lab/two' }), 'key', roads)).toBeUndefined();
    expect(conversations.of(request({ preferences: { order: ['a'] } }), 'key', roads)).toBeUndefined();
    expect(conversations.of(request({ model: 'lab/unknown' }), 'key', roads)).toBeUndefined();
    const operation = { kind: 'embeddings', inputs: [], base64: false } as const;
    expect(conversations.of(request({ operation }), 'key', roads)).toBeUndefined();
    expect(conversations.of(request(), 'key', roads)).toBeDefined();
  });

  test('a fallback model’s too, and of several the first that is known', () => {
    const asked = request({ model: 'lab/two', fallbacks: ['lab/one'] });
    served(request(), 'b', READ);
    expect(stickyOf(asked)).toBe('b/lab/one');
  });

  test('INF-220 a host whose cache saves nothing is not remembered, though others of the model’s would be', () => {
    const asked = request({ sessionId: 's' });
    served(asked, 'c', READ);
    expect(stickyOf(asked)).toBeUndefined();
    served(asked, 'a', READ);
    expect(stickyOf(asked)).toBe('a/lab/one');
  });

  test('another key has conversations of its own', () => {
    served(request(), 'b', READ);
    expect(stickyOf(request(), 'other')).toBeUndefined();
  });
});

describe('what a conversation is called', () => {
  const said = (text: string): Message => ({ role: 'user', parts: [{ kind: 'text', text }] });
  const told = (text: string, role: 'system' | 'developer' = 'system'): Message => ({
    role,
    parts: [{ kind: 'text', text }],
  });
  const name = (...messages: Message[]): string => conversationName(request({ messages }));

  test('by its first instructions and the first that was said, whatever follows', () => {
    const begun = name(told('Be kind.'), said('Hello'));
    expect(name(told('Be kind.'), said('Hello'), said('More'), told('Be brief.'))).toBe(begun);
    expect(name(said('Hello'), told('Be kind.'))).toBe(begun);
    const others = [
      name(told('Be kind.', 'developer'), said('Hello')),
      name(told('Be kinder.'), said('Hello')),
      name(told('Be kind.'), said('Hullo')),
      name(said('Hello')),
      name(told('Be kind.')),
    ];
    expect(new Set([begun, ...others]).size).toBe(others.length + 1);
  });

  test('by no more of a long beginning than its first 64 KB and its length', () => {
    const long = 'x'.repeat(70_000);
    expect(name(said(`${long}a`))).toBe(name(said(`${long}b`)));
    expect(name(said(`${long}a`))).not.toBe(name(said(long)));
    expect(name(said(`y${long}`))).not.toBe(name(said(`z${long}`)));
  });
});
