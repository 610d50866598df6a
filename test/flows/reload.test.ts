import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { RunningGateway } from '../support/gateway.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** The configuration is read anew at SIGHUP and when its file changes: whole or not at all, and no request is lost. */

let upstream: ScriptedUpstream;
let gateway: RunningGateway;

/** A host, and what it calls the model: the answer tells which configuration was in force. */
const config = (name: string, more = ''): string => `
providers:
  own:
    base_url: ${upstream.base}
    endpoints:
      - { model: lab/one, upstream_model: ${name}, pricing: { prompt: "0.000001", completion: "0.000001" } }
${more}`;

beforeAll(async () => {
  upstream = new ScriptedUpstream();
  upstream.reply = async ({ body }) => {
    await Bun.sleep(15);
    return whole(`by ${body.model}`);
  };
  gateway = await RunningGateway.start({ config: config('first') });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
});

const ask = async (): Promise<string> => {
  const response = await gateway.post({ model: 'lab/one', messages: [{ role: 'user', content: 'Hi' }] });
  const body = (await response.json()) as { choices?: { message: { content: string } }[]; error?: unknown };
  return body.choices?.[0]?.message.content ?? JSON.stringify(body.error);
};
const until = async (answer: string): Promise<void> => {
  while ((await ask()) !== answer) await Bun.sleep(20);
};

describe('the configuration is read anew', () => {
  test('at SIGHUP and when the file changes, under load, and every request is answered', async () => {
    let going = true;
    const answers: string[] = [];
    const load = Array.from({ length: 8 }, async () => {
      while (going) answers.push(await ask());
    });
    await until('by first');
    gateway.put('turnpike.yaml', config('second'));
    await until('by second');
    gateway.put('turnpike.yaml', config('third'));
    gateway.process.kill('SIGHUP');
    await until('by third');
    // Wrong ones: an unknown key, no YAML, a provider that is incomplete, and none at all.
    for (const wrong of ['sevrer: {}\n', 'a: [\n', 'providers: { nobody: {} }\n']) {
      gateway.put('turnpike.yaml', wrong);
      gateway.process.kill('SIGHUP');
      expect(await ask()).toBe('by third');
    }
    gateway.put(
      'turnpike.yaml',
      config('fourth', 'server: { body_bytes_max: 99999 }\nlimits: { breaker_failures: 7 }\n'),
    );
    gateway.process.kill('SIGHUP');
    await until('by fourth');
    going = false;
    await Promise.all(load);
    expect(new Set(answers)).toEqual(new Set(['by first', 'by second', 'by third', 'by fourth']));
    const { code, stderr } = await gateway.terminate();
    expect(code).toBe(0);
    expect(stderr).toContain('the configuration was read anew');
    expect(stderr.split('the configuration was refused').length).toBeGreaterThan(3);
    expect(stderr).toMatch(/sevrer/);
    expect(stderr).toMatch(/server\.body_bytes_max.*restart/);
    expect(stderr).toMatch(/limits of health.*restart/);
  });
});
