import { expect, describe as group, it } from 'bun:test';
import fc from 'fast-check';
import { FEATURES } from './authored-schema.ts';
import { type Described, describe } from './describe.ts';
import { tidyName } from './tidy-name.ts';

const model = (over: Partial<Described> = {}): Described => ({
  name: 'Rocket 2',
  labName: 'Acme',
  inputModalities: ['text', 'image'],
  outputModalities: ['text'],
  ...over,
});

group('describe', () => {
  it('says what is known, in plain sentences', () => {
    const text = describe(
      model({
        family: 'Fireworks',
        openWeights: true,
        released: '2026-03-16',
        contextLength: 262_144,
        features: ['tools', 'reasoning'],
      }),
    );
    expect(text).toBe(
      'Rocket 2 is an open-weight model of the Fireworks family by Acme, released in March 2026. It takes text and images and gives text, within a context of 262,144 tokens. It can call tools and think before it answers.',
    );
  });

  it('says nothing of what nobody has said', () => {
    expect(describe(model())).toBe('Rocket 2 is a model by Acme. It takes text and images and gives text.');
  });

  it('explains a variant by its model', () => {
    expect(describe(model({ name: 'Rocket 2 (free)', variantOf: { name: 'Rocket 2', variant: 'free' } }))).toStartWith(
      'Rocket 2 (free) is the variant of Rocket 2 that costs nothing',
    );
  });

  it('stays within sixty words', () => {
    const modality = fc.constantFrom('text', 'image', 'file', 'audio', 'video');
    const described = fc.record(
      {
        name: fc.constant('A Model With A Rather Long Name 2.5'),
        labName: fc.constant('A Lab Of Some Name'),
        family: fc.constant('Some Other Family'),
        inputModalities: fc.uniqueArray(modality, { minLength: 1 }),
        outputModalities: fc.uniqueArray(modality, { minLength: 1 }),
        contextLength: fc.nat(),
        openWeights: fc.boolean(),
        released: fc.constantFrom('2026-01', '2025-12-31'),
        features: fc.subarray([...FEATURES]),
      },
      { requiredKeys: ['name', 'labName', 'inputModalities', 'outputModalities'] },
    ) as fc.Arbitrary<Described>;
    fc.assert(fc.property(described, (d) => expect(describe(d).split(/\s+/).length).toBeLessThanOrEqual(60)));
  });
});

group('tidyName', () => {
  it.each([
    ['llama-3.1-70b-instruct:free', 'Llama 3.1 70B Instruct (free)'],
    ['mixtral-8x7b', 'Mixtral 8x7B'],
    ['qwen2.5-vl-32b-instruct', 'Qwen2.5 VL 32B Instruct'],
    ['gpt-4-32k', 'GPT 4 32K'],
    ['o1-preview', 'o1 Preview'],
  ])('%s → %s', (slug, name) => {
    expect(tidyName(slug)).toBe(name);
  });
});
