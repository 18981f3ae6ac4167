import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Alert,
  type DeliveryContent,
  type ReadResult,
  readDelivery,
} from '../../../src/core/alerts/alert.ts';

export const FOLDER = join(import.meta.dirname, '../../fixtures/webhook');
export const EXAMPLES = join(import.meta.dirname, '../../../examples');

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
export function readValue(value: unknown): ReadResult {
  return readDelivery(bytes(JSON.stringify(value)));
}
export function delivery(result: ReadResult): DeliveryContent {
  if (!result.ok) throw new Error(`${result.code}: ${result.detail}`);
  return result.delivery;
}
export function fixture(name: string): ReadResult {
  return readDelivery(readFileSync(join(FOLDER, name)));
}
export function readAlerts(...alerts: readonly unknown[]): DeliveryContent {
  return delivery(readValue({ status: 'firing', alerts }));
}
export function first(content: DeliveryContent): Alert {
  const alert = content.alerts[0];
  if (alert === undefined) throw new Error('no alert');
  return alert;
}
