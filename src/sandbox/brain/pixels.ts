/** The size of a picture by its own header, in pixels. */
export interface PictureSize {
  readonly format: 'PNG' | 'GIF' | 'WebP' | 'JPEG';
  readonly width: number;
  readonly height: number;
}

/** @param url a `data:` URL; undefined when it is none, or no picture that we can read */
export function pictureSize(url: string): PictureSize | undefined {
  const match = /^data:[^,]*;base64,(.*)$/s.exec(url);
  if (!match?.[1]) return undefined;
  const bytes = Buffer.from(match[1], 'base64');
  return png(bytes) ?? gif(bytes) ?? webp(bytes) ?? jpeg(bytes);
}

const ascii = (bytes: Buffer, from: number, to: number): string => bytes.toString('latin1', from, to);

/** W3C PNG, 11.2.2: the IHDR chunk comes first. */
function png(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 24 || ascii(bytes, 1, 4) !== 'PNG' || ascii(bytes, 12, 16) !== 'IHDR') return undefined;
  return { format: 'PNG', width: bytes.readUInt32BE(16), height: bytes.readUInt32BE(20) };
}

/** GIF89a, 18: the logical screen descriptor follows the signature. */
function gif(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 10 || !/^GIF8[79]a$/.test(ascii(bytes, 0, 6))) return undefined;
  return { format: 'GIF', width: bytes.readUInt16LE(6), height: bytes.readUInt16LE(8) };
}

/** WebP container (RFC 9649): extended, lossless and lossy files keep their size in three different places. */
function webp(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 30 || ascii(bytes, 0, 4) !== 'RIFF' || ascii(bytes, 8, 12) !== 'WEBP') return undefined;
  const form = ascii(bytes, 12, 16);
  if (form === 'VP8X')
    return { format: 'WebP', width: 1 + bytes.readUIntLE(24, 3), height: 1 + bytes.readUIntLE(27, 3) };
  if (form === 'VP8L') {
    const packed = bytes.readUInt32LE(21);
    return { format: 'WebP', width: 1 + (packed & 0x3fff), height: 1 + ((packed >>> 14) & 0x3fff) };
  }
  if (form === 'VP8 ')
    return { format: 'WebP', width: bytes.readUInt16LE(26) & 0x3fff, height: bytes.readUInt16LE(28) & 0x3fff };
  return undefined;
}

/** ITU T.81, B.2.2: the first start-of-frame segment; others are skipped by their length. */
function jpeg(bytes: Buffer): PictureSize | undefined {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return undefined;
  let at = 2;
  while (at + 9 <= bytes.length && bytes[at] === 0xff) {
    const marker = bytes[at + 1] ?? 0;
    const startOfFrame = marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
    if (startOfFrame) return { format: 'JPEG', width: bytes.readUInt16BE(at + 7), height: bytes.readUInt16BE(at + 5) };
    at += 2 + bytes.readUInt16BE(at + 2);
  }
  return undefined;
}
