import { afterAll, afterEach, beforeAll, describe, expect, test } from 'bun:test';
import { createVerify, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadSnapshot } from '../../src/catalogue/load.ts';
import { routeOf } from '../../src/cli/provider-route.ts';
import { loadConfig } from '../../src/config/load.ts';
import { googleSigner } from '../../src/upstream/google.ts';
import { FORGIVING, RunningGateway } from '../support/gateway.ts';
import { authorization } from '../support/sigv4.ts';
import { ScriptedUpstream, whole } from '../support/upstream.ts';

/** Where the clouds are found, and how they know us: addresses, signatures and tokens. */

type Json = Record<string, any>;

const ARN = 'arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.anthropic.claude-sonnet-4-5-v1:0';
const folder = mkdtempSync(join(tmpdir(), 'turnpike-cloud-'));
const { privateKey, publicKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  publicKeyEncoding: { type: 'spki', format: 'pem' },
});

const upstream = new ScriptedUpstream();
const origin = new URL(upstream.base).origin;

/** Gives tokens `token-1`, `token-2` and so on. */
const exchanges: URLSearchParams[] = [];
let expiresIn: number | string = 3600;
const tokens = Bun.serve({
  port: 0,
  hostname: '127.0.0.1',
  fetch: async (request) => {
    exchanges.push(new URLSearchParams(await request.text()));
    await Bun.sleep(20);
    return Response.json({ access_token: `token-${exchanges.length}`, expires_in: expiresIn, token_type: 'Bearer' });
  },
});
const tokenUri = `http://127.0.0.1:${tokens.port}/token`;

const converse = (): Response =>
  Response.json({
    output: { message: { role: 'assistant', content: [{ text: 'Hello' }] } },
    stopReason: 'end_turn',
    usage: { inputTokens: 1, outputTokens: 1, totalTokens: 2 },
  });
const generated = (): Response =>
  Response.json({
    candidates: [{ content: { role: 'model', parts: [{ text: 'Hello' }] }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 1, candidatesTokenCount: 1 },
  });

const endpoints = (model: string, upstream_model: string): Json => ({
  endpoints: [{ model, upstream_model, pricing: { prompt: '0', completion: '0' } }],
});
const AWS = { AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE', AWS_SECRET_ACCESS_KEY: 'secret/Example+Key', AWS_REGION: 'us-east-1' };

let gateway: RunningGateway;
beforeAll(async () => {
  const path = join(folder, 'account.json');
  const account = {
    type: 'service_account',
    client_email: 'a@b.example',
    private_key: privateKey,
    token_uri: tokenUri,
  };
  writeFileSync(path, JSON.stringify(account));
  const legacy = `${origin}/openai/deployments/{model}?api-version=2024-10-21`;
  gateway = await RunningGateway.start({
    env: { ...AWS, GOOGLE_APPLICATION_CREDENTIALS: path },
    config: JSON.stringify({
      limits: FORGIVING,
      providers: {
        'amazon-bedrock': { base_url: origin, ...endpoints('test/claude', ARN) },
        'google-vertex': {
          base_url: `${origin}/v1/projects/p/locations/global/publishers/google`,
          ...endpoints('test/gemini', 'gemini-2.5-flash'),
        },
        azure: {
          base_url: `${origin}/openai/v1`,
          api_key: 'azure-key-0123456789',
          ...endpoints('test/azure', 'my gpt'),
        },
        'azure-legacy': {
          base_url: legacy,
          api_key: 'azure-key-0123456789',
          auth: { header: 'api-key' },
          ...endpoints('test/legacy', 'my gpt'),
        },
        'azure-entra': { base_url: legacy, api_key: 'entra-token-0123456789', ...endpoints('test/entra', 'my gpt') },
      },
    }),
  });
});
afterAll(async () => {
  await gateway.stop();
  await upstream.stop();
  await tokens.stop(true);
  rmSync(folder, { recursive: true });
});
afterEach(() => {
  upstream.received.length = 0;
  exchanges.length = 0;
  expiresIn = 3600;
});

const ask = (model: string, more: Json = {}): Promise<Response> =>
  gateway.post({ model: `test/${model}`, messages: [{ role: 'user', content: 'Hi' }], ...more });
const served = async (model: string): Promise<void> => {
  const response = await ask(model);
  if (response.status !== 200) throw new Error(await response.text());
  expect(((await response.json()) as Json).choices[0].message.content).toBe('Hello');
};

/** The base that the catalogue's row has in an environment. */
function baseOf(id: string, environment: Record<string, string>, own: Json = {}): string | undefined {
  const path = join(folder, 'turnpike.yaml');
  writeFileSync(path, JSON.stringify({ providers: { [id]: own } }));
  const provider = loadSnapshot().provider(id);
  if (!provider) throw new Error(`no provider ${id}`);
  return routeOf(provider, loadConfig({ ...environment, TURNPIKE_CONFIG: path }, folder), Date.now)?.base;
}

describe('Azure', () => {
  beforeAll(() => {
    upstream.reply = () => whole('Hello');
  });
  const credentials = (): Json => {
    const { headers } = upstream.last;
    return { key: headers.get('api-key'), bearer: headers.get('authorization') };
  };

  test('UP-004 the newer address names neither deployment nor version', async () => {
    await served('azure');
    expect(upstream.last.path).toBe('/openai/v1/chat/completions');
    expect(upstream.last.body.model).toBe('my gpt');
    expect(credentials()).toEqual({ key: 'azure-key-0123456789', bearer: null });
    expect(baseOf('azure', { AZURE_API_KEY: 'k', AZURE_RESOURCE_NAME: 'mine' })).toBe(
      'https://mine.openai.azure.com/openai/v1',
    );
  });

  test('UP-004 the older address names both', async () => {
    await served('legacy');
    expect(upstream.last.path).toBe('/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21');
    expect(credentials()).toEqual({ key: 'azure-key-0123456789', bearer: null });
  });

  test('UP-004 a token in place of a key is the only credential', async () => {
    await served('entra');
    expect(credentials()).toEqual({ key: null, bearer: 'Bearer entra-token-0123456789' });
  });

  test('UP-004 a program with a name and a secret of its own gets tokens, and a key beside them wins', async () => {
    const azure = loadSnapshot().provider('azure');
    if (azure?.auth.kind !== 'client') throw new Error('no such row');
    const auth = { ...azure.auth, tokenUrl: `http://127.0.0.1:${tokens.port}/{AZURE_TENANT_ID}` };
    const environment = {
      AZURE_TENANT_ID: 't',
      AZURE_CLIENT_ID: 'c',
      AZURE_CLIENT_SECRET: 's',
      AZURE_RESOURCE_NAME: 'r',
    };
    writeFileSync(join(folder, 'turnpike.yaml'), JSON.stringify({ providers: { azure: {} } }));
    const route = (more: Json): ReturnType<typeof routeOf> =>
      routeOf({ ...azure, auth }, loadConfig({ ...environment, ...more }, folder), Date.now);
    const headers = (await route({})?.signer?.sign('', {}, '')) as Json;
    expect(headers).toEqual({ authorization: 'Bearer token-1' });
    expect(Object.fromEntries(exchanges[0] ?? [])).toEqual({
      grant_type: 'client_credentials',
      client_id: 'c',
      client_secret: 's',
      scope: 'https://cognitiveservices.azure.com/.default',
    });
    const keyed = route({ AZURE_API_KEY: 'k' });
    expect([keyed?.signer, keyed?.credential?.reveal()]).toEqual([undefined, 'k']);
    const { AZURE_TENANT_ID: _, ...homeless } = environment;
    expect(() => routeOf({ ...azure, auth }, loadConfig(homeless, folder), Date.now)).toThrow('AZURE_TENANT_ID');
  });
});

describe('Amazon', () => {
  beforeAll(() => {
    upstream.reply = converse;
  });

  test('UP-005 the signer that checks ours makes the signatures that Amazon published', () => {
    // From the test suite of Signature Version 4: get-vanilla, post-vanilla, get-vanilla-query-order-key-case.
    const credentials = {
      id: 'AKIDEXAMPLE',
      secret: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      region: 'us-east-1',
      service: 'service',
      date: '20150830T123600Z',
    };
    const headers = { host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' };
    const signature = (method: string, query = ''): string =>
      authorization({ method, path: '/', query, headers, body: '' }, ['host', 'x-amz-date'], credentials);
    const scope = 'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request';
    const begin = `${scope}, SignedHeaders=host;x-amz-date, Signature=`;
    expect(signature('GET')).toBe(`${begin}5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31`);
    expect(signature('POST')).toBe(`${begin}5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b`);
    expect(signature('GET', 'Param1=value1&Param2=value2')).toBe(
      `${begin}b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500`,
    );
  });

  test('UP-005 a name with colons and slashes is encoded once, and the signature of what arrives is right', async () => {
    await served('claude');
    const { path, headers, body } = upstream.last;
    expect(path).toBe(`/model/${encodeURIComponent(ARN)}/converse`);
    expect(path).not.toContain('%25');
    const sent = headers.get('authorization') ?? '';
    const [, names = ''] = /SignedHeaders=([^,]+)/.exec(sent) ?? [];
    expect(names.split(';')).toEqual(expect.arrayContaining(['host', 'x-amz-date', 'x-amz-content-sha256']));
    const request = { method: 'POST', path, headers: Object.fromEntries(headers), body: JSON.stringify(body) };
    const credentials = {
      id: AWS.AWS_ACCESS_KEY_ID,
      secret: AWS.AWS_SECRET_ACCESS_KEY,
      region: 'us-east-1',
      service: 'bedrock',
      date: headers.get('x-amz-date') ?? '',
    };
    expect(sent).toBe(authorization(request, names.split(';'), credentials));
    expect(sent).not.toBe(authorization({ ...request, body: '{}' }, names.split(';'), credentials));
  });

  test('UP-006 a bearer is not signed', async () => {
    const bearer = 'ABSKQmVkcm9ja0FQSUtleS0wMTIzNDU2Nzg5';
    const other = await RunningGateway.start({
      env: { ...AWS, AWS_BEARER_TOKEN_BEDROCK: bearer },
      config: JSON.stringify({
        providers: { 'amazon-bedrock': { base_url: origin, ...endpoints('test/claude', ARN) } },
      }),
    });
    const response = await other.post({ model: 'test/claude', messages: [{ role: 'user', content: 'Hi' }] });
    expect(response.status).toBe(200);
    const { headers, path } = upstream.last;
    expect(headers.get('authorization')).toBe(`Bearer ${bearer}`);
    expect([...headers.keys()].filter((name) => name.startsWith('x-amz'))).toEqual([]);
    expect(path).not.toContain('X-Amz');
    await other.stop();
  });

  test('UP-006 the host follows from the region', () => {
    const base = (AWS_REGION: string): string | undefined =>
      baseOf('amazon-bedrock', { AWS_BEARER_TOKEN_BEDROCK: 'b', AWS_REGION });
    expect(base('us-east-1')).toBe('https://bedrock-runtime.us-east-1.amazonaws.com');
    expect(base('cn-north-1')).toBe('https://bedrock-runtime.cn-north-1.amazonaws.com.cn');
    expect(base('eusc-de-east-1')).toBe('https://bedrock-runtime.eusc-de-east-1.amazonaws.eu');
    expect(baseOf('amazon-bedrock', { AWS_BEARER_TOKEN_BEDROCK: 'b', AWS_DEFAULT_REGION: 'eu-central-1' })).toBe(
      'https://bedrock-runtime.eu-central-1.amazonaws.com',
    );
  });
});

describe('Vertex', () => {
  beforeAll(() => {
    upstream.reply = generated;
  });
  const bearers = (): readonly string[] =>
    upstream.received.map(({ headers }) => headers.get('authorization')?.replace('Bearer ', '') ?? '');

  test('UP-007 the host follows from the location', () => {
    const base = (location?: string): string | undefined =>
      baseOf('google-vertex', {
        GOOGLE_VERTEX_API_KEY: 'k',
        GOOGLE_VERTEX_PROJECT: 'p',
        ...(location !== undefined && { GOOGLE_VERTEX_LOCATION: location }),
      });
    const of = (host: string, location: string): string =>
      `https://${host}/v1/projects/p/locations/${location}/publishers/google`;
    expect(base('europe-west4')).toBe(of('europe-west4-aiplatform.googleapis.com', 'europe-west4'));
    expect(base('global')).toBe(of('aiplatform.googleapis.com', 'global'));
    expect(base()).toBe(of('aiplatform.googleapis.com', 'global'));
    expect(base('us')).toBe(of('aiplatform.us.rep.googleapis.com', 'us'));
    expect(base('eu')).toBe(of('aiplatform.eu.rep.googleapis.com', 'eu'));
    expect(baseOf('google-vertex-anthropic', { GOOGLE_VERTEX_PROJECT: 'p' }, { api_key: 'k' })).toBe(
      'https://aiplatform.googleapis.com/v1/projects/p/locations/global/publishers/anthropic',
    );
  });

  test('UP-007 a refused token is renewed and the call made again, once', async () => {
    let refusals = 1;
    upstream.reply = () =>
      refusals-- > 0
        ? Response.json({ error: { code: 401, status: 'UNAUTHENTICATED' } }, { status: 401 })
        : generated();
    await served('gemini');
    const [first, second] = bearers();
    expect(first).not.toBe(second);
    expect(bearers()).toHaveLength(2);
    expect(upstream.received[1]?.body).toEqual(upstream.received[0]?.body as Json);
    // The next calls use the new one.
    await served('gemini');
    expect(bearers()[2]).toBe(second as string);
    const before = exchanges.length;
    // Refused again and again it is our own fault, and not the caller's.
    refusals = 10;
    const response = await ask('gemini');
    expect(response.status).toBe(502);
    expect(bearers()).toHaveLength(5);
    expect(exchanges.length - before).toBe(1);
    upstream.reply = generated;
    await served('gemini');
  });

  test('UP-007 a token is asked for with a signed word, shared, and replaced five minutes before its end', async () => {
    // What is left of earlier tests ends here.
    upstream.reply = () => Response.json({ error: {} }, { status: 401 });
    expiresIn = '301';
    await ask('gemini');
    upstream.reply = generated;
    const form = exchanges.at(-1);
    expect(form?.get('grant_type')).toBe('urn:ietf:params:oauth:grant-type:jwt-bearer');
    const [header = '', claims = '', signature = ''] = form?.get('assertion')?.split('.') ?? [];
    expect(createVerify('RSA-SHA256').update(`${header}.${claims}`).verify(publicKey, signature, 'base64url')).toBe(
      true,
    );
    expect(JSON.parse(Buffer.from(claims, 'base64url').toString())).toMatchObject({
      iss: 'a@b.example',
      aud: tokenUri,
      scope: 'https://www.googleapis.com/auth/cloud-platform',
    });
    upstream.received.length = 0;
    // It lives 301 seconds, so it is good for one.
    const before = exchanges.length;
    await served('gemini');
    expect(exchanges.length - before).toBe(0);
    await Bun.sleep(1100);
    // All who wait share the next.
    await Promise.all(Array.from({ length: 5 }, () => served('gemini')));
    expect(exchanges.length - before).toBe(1);
    expect(new Set(bearers().slice(1)).size).toBe(1);
    expect(new Set(bearers()).size).toBe(2);
  });

  test('UP-007 a token of an hour serves 55 minutes', async () => {
    let now = 1_790_000_000_000;
    const signer = googleSigner(
      { client_email: 'a@b.example', private_key: privateKey, token_uri: tokenUri },
      () => now,
    );
    const token = async (): Promise<string> => (await signer.sign('', {}, '')).authorization ?? '';
    const first = await token();
    now += 55 * 60_000 - 1;
    expect(await token()).toBe(first);
    now += 1;
    expect(await token()).not.toBe(first);
    expect(exchanges).toHaveLength(2);
  });
});
