import { z } from 'zod';

/** What all authored files are made of. */

/** TOML dates arrive as objects that print themselves as YYYY-MM-DD. */
export const day = z.preprocess(
  (value) => (typeof value === 'object' && value !== null ? String(value) : value),
  z.iso.date(),
);
export const dayOrMonth = z.union([day, z.string().regex(/^\d{4}-\d{2}$/)]);
export const slug = z.string().regex(/^[a-z0-9][a-z0-9._-]*$/, 'is no slug');
export const text = z.string().min(1);
export const link = z.url({ protocol: /^https?$/ });
