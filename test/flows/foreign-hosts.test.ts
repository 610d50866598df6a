import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { CohereClientV2 } from 'cohere-ai';
import { RunningGateway } from '../support/gateway.ts';

/** Hosts whose wires this gateway calls but does not serve, checked by clients that we did not write. */

let gateway: RunningGateway;
beforeAll(async () => {
  gateway = await RunningGateway.start();
});
afterAll(() => gateway.stop());

const schema = { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] };

describe('the client of Cohere', () => {
  const model = 'command-r-plus';
  const messages = [{ role: 'user' as const, content: 'Tell me about the Rhine' }];
  const tools = [{ type: 'function' as const, function: { name: 'get_weather', parameters: schema } }];
  const client = (): CohereClientV2 =>
    new CohereClientV2({ token: 'sandbox', environment: gateway.base('cohere').replace(/\/v2$/, '') });

  test('reads a whole answer, and a call', async () => {
    const whole = await client().chat({ model, messages });
    expect(whole.message.content?.[0]).toMatchObject({ type: 'text', text: expect.stringContaining('Rhine') });
    expect(whole.finishReason).toBe('COMPLETE');
    expect(whole.usage?.tokens?.inputTokens).toBeGreaterThan(5);
    const called = await client().chat({ model, messages, tools, toolChoice: 'REQUIRED' });
    expect(called.finishReason).toBe('TOOL_CALL');
    expect(called.message.toolCalls?.[0]?.function?.name).toBe('get_weather');
  });

  test('reads a stream to its end', async () => {
    let text = '';
    const types = new Set<string>();
    for await (const event of await client().chatStream({ model, messages })) {
      types.add(event.type);
      if (event.type === 'content-delta') text += event.delta?.message?.content?.text ?? '';
      if (event.type === 'message-end') expect(event.delta?.finishReason).toBe('COMPLETE');
    }
    expect(text).toContain('Rhine');
    expect([...types]).toEqual(['message-start', 'content-start', 'content-delta', 'content-end', 'message-end']);
  });
});

describe('the client of Amazon Bedrock', () => {
  const modelId = 'anthropic.claude-opus-4-6-v1:0';
  const messages = [{ role: 'user' as const, content: [{ text: 'Tell me about the Rhine' }] }];
  const client = (): BedrockRuntimeClient =>
    new BedrockRuntimeClient({
      region: 'eu-central-1',
      endpoint: gateway.base('amazon-bedrock'),
      credentials: { accessKeyId: 'sandbox', secretAccessKey: 'sandbox' },
      requestHandler: new NodeHttpHandler(),
    });

  test('reads a whole answer, and a call', async () => {
    const whole = await client().send(new ConverseCommand({ modelId, messages }));
    expect(whole.output?.message?.content?.[0]?.text).toContain('Rhine');
    expect(whole.stopReason).toBe('end_turn');
    expect(whole.usage?.inputTokens).toBeGreaterThan(5);
    const toolConfig = {
      tools: [{ toolSpec: { name: 'get_weather', inputSchema: { json: schema } } }],
      toolChoice: { any: {} },
    };
    const called = await client().send(new ConverseCommand({ modelId, messages, toolConfig }));
    expect(called.stopReason).toBe('tool_use');
    expect(called.output?.message?.content?.at(-1)?.toolUse).toMatchObject({ name: 'get_weather', input: {} });
  });

  test('UP-090 reads the binary stream, checksums and all, to the counts after its end', async () => {
    const { stream } = await client().send(new ConverseStreamCommand({ modelId, messages }));
    let text = '';
    const order = new Set<string>();
    for await (const event of stream ?? []) {
      text += event.contentBlockDelta?.delta?.text ?? '';
      for (const name of Object.keys(event)) order.add(name);
      if (event.metadata) expect(event.metadata.usage?.outputTokens).toBeGreaterThan(5);
    }
    expect(text).toContain('Rhine');
    expect([...order].join(' ')).toBe('messageStart contentBlockDelta contentBlockStop messageStop metadata');
  });

  test('is refused in its own words', async () => {
    const refused = client().send(new ConverseCommand({ modelId: 'no.such-model', messages }));
    await expect(refused).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
  });
});
