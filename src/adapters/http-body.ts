/** An answer that is longer than the caller allows. */
export class TooLong extends Error {
  override readonly name = 'TooLong';
}

/**
 * The body as text, at most `limit_bytes` of it; what is over is not read.
 * @throws TooLong.
 */
export async function readText(response: Response, limit_bytes: number): Promise<string> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the stream, which closes the connection.
    if (bytes > limit_bytes) throw new TooLong(`more than ${limit_bytes} bytes`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** The JSON object that a body is; undefined when it is anything else. */
export function parseObject(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null
      ? (value as Record<string, unknown>)
      : undefined;
  } catch {
    return undefined;
  }
}
