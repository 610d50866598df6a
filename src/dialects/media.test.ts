import { describe, expect, it } from 'bun:test';
import { request } from '../../test/support/world.ts';
import type { MediaPart } from '../canon/media.ts';
import { ALL_PARAMETERS } from '../canon/parameters.ts';
import type { Target } from '../canon/target.ts';
import { mediaTaken } from '../catalogue/wire-media.ts';
import { dataUrl, documentUrl } from './data-url.ts';
import { DIALECTS } from './registry.ts';

/** What the catalogue says that a wire carries is what its codec carries. */

const target: Target = {
  upstreamModel: 'm',
  quirks: new Set(),
  parameters: ALL_PARAMETERS,
  extraFields: new Set(),
};

const PARTS: readonly MediaPart[] = [
  { kind: 'image', url: 'data:image/png;base64,SENTINEL' },
  { kind: 'file', data: 'data:application/pdf;base64,SENTINEL', filename: 'a.pdf' },
  { kind: 'audio', data: 'SENTINEL', format: 'wav' },
  { kind: 'video', url: 'data:video/mp4;base64,SENTINEL' },
];

describe.each(Object.keys(DIALECTS))('%s', (id) => {
  it.each(PARTS)('carries $kind, or its row says that it does not', (part) => {
    const asked = request({ messages: [{ role: 'user', parts: [{ kind: 'text', text: 'a' }, part] }] });
    const { body, dropped } = DIALECTS[id]?.encodeRequest(asked, target) ?? { body: '', dropped: [] };
    // A host that knows documents may speak a wire whose usual hosts do not.
    const taken = id === 'openai-chat' && part.kind === 'file' ? 'data' : mediaTaken(id)[part.kind];
    expect(body.includes('SENTINEL')).toBe(taken !== 'none');
    expect(dropped.map(({ pointer }) => pointer)).toEqual(taken === 'none' ? ['/messages/0/content/1'] : []);
  });
});

describe('dataUrl', () => {
  it.each([
    ['data:image/png;base64,AAAA', { mediaType: 'image/png', data: 'AAAA' }],
    ['DATA:IMAGE/JPG;BASE64,AAAA', { mediaType: 'image/jpeg', data: 'AAAA' }],
    ['data:text/plain;charset=utf-8;base64,AAAA', { mediaType: 'text/plain', data: 'AAAA' }],
    ['data:text/plain,Gr%C3%BC%C3%9Fe', { mediaType: 'text/plain', data: Buffer.from('Grüße').toString('base64') }],
    ['data:,100%', { mediaType: 'text/plain', data: Buffer.from('100%').toString('base64') }],
    ['data:image/png', undefined],
    ['https://a.example/b.png', undefined],
  ])('reads %s', (url, both) => {
    expect(dataUrl(url)).toEqual(both);
  });

  it('knows a document by its first characters', () => {
    expect(documentUrl('JVBERi0x')).toBe('data:application/pdf;base64,JVBERi0x');
    expect(documentUrl('https://a.example/b.pdf')).toBe('https://a.example/b.pdf');
  });
});
