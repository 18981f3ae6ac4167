import { expect, test } from 'vitest';
import { type OpenSubject, NOW, audit, conflictOf, delivery, useStore } from './make.ts';

export function inboxSuite(open: OpenSubject): void {
  const { lists, store, reopen } = useStore(open);

  test('a delivery comes back as it came, in arrival order, also after a reopen', async () => {
    await Promise.all([store().commit([delivery('a')]), store().commit([delivery('b', '\0ü')])]);
    for (const again of [false, true]) {
      if (again) await reopen();
      const { cursor, deliveries } = await store().inbox(10);
      expect(cursor).toBe(0);
      expect(deliveries.map((one) => [one.seq, one.id, one.failures])).toEqual([
        [1, 'a', 0],
        [2, 'b', 0],
      ]);
      expect(new TextDecoder().decode(deliveries[1]?.body)).toBe('\0ü');
      expect(deliveries[0]).toMatchObject({ source: 'alertmanager', received_at: NOW });
      expect(deliveries[0]?.trace_id).toBe('ab'.repeat(16));
    }
  });

  test('the cursor moves only from where it is', async () => {
    await store().commit([delivery('a'), delivery('b'), delivery('c')]);
    await store().commit([{ kind: 'inbox_advance', from: 0, to: 2 }]);
    const late = store().commit([{ kind: 'inbox_advance', from: 0, to: 3 }]);
    expect(await conflictOf(late)).toBe('cursor_moved');
    const { cursor, deliveries } = await store().inbox(10);
    expect([cursor, deliveries.map((one) => one.id)]).toEqual([2, ['c']]);
  });

  test('units that advance in a row within one turn all hold', async () => {
    await store().commit([delivery('a'), delivery('b')]);
    await Promise.all([
      store().commit([{ kind: 'inbox_advance', from: 0, to: 1 }]),
      store().commit([{ kind: 'inbox_advance', from: 1, to: 2 }]),
    ]);
    expect((await store().inbox(10)).cursor).toBe(2);
  });

  test('limit bounds a batch', async () => {
    await store().commit([delivery('a'), delivery('b'), delivery('c')]);
    const { deliveries } = await store().inbox(2);
    expect(deliveries.map((one) => one.id)).toEqual(['a', 'b']);
  });

  test('failures are counted; a parked delivery blocks nothing', async ({ skip }) => {
    skip(!lists());
    await store().commit([delivery('a'), delivery('b')]);
    const failed = { kind: 'delivery_failed', seq: 1, error: 'boom', parked: false } as const;
    await store().commit([failed]);
    await store().commit([failed]);
    expect((await store().inbox(1)).deliveries[0]?.failures).toBe(2);
    await store().commit([{ ...failed, parked: true, error: 'x'.repeat(5000) }]);
    expect((await store().inbox(10)).deliveries.map((one) => one.id)).toEqual(['b']);
    expect((await store().inboxDepth()).pending).toBe(1);
    const { items } = await store().listDeliveries({ limit: 10 });
    expect(items.map((one) => [one.id, one.state])).toEqual([
      ['b', 'pending'],
      ['a', 'parked'],
    ]);
    expect(items[1]?.error?.length).toBe(2000);
  });

  test('a failure of an unknown delivery is refused', async () => {
    const unknown = { kind: 'delivery_failed', seq: 9, error: 'x', parked: false } as const;
    await expect(store().commit([unknown])).rejects.toThrow(/database/);
  });

  test('depth: how many wait and since when', async () => {
    expect(await store().inboxDepth()).toEqual({ pending: 0, oldest_received_at: null });
    await store().commit([delivery('a'), delivery('b'), delivery('c')]);
    await store().commit([{ kind: 'inbox_advance', from: 0, to: 1 }]);
    expect(await store().inboxDepth()).toEqual({ pending: 2, oldest_received_at: NOW });
    await store().commit([{ kind: 'inbox_advance', from: 1, to: 3 }]);
    expect(await store().inboxDepth()).toEqual({ pending: 0, oldest_received_at: null });
  });

  test('the list is newest first, says the size and pages without gap', async ({ skip }) => {
    skip(!lists());
    for (const id of ['a', 'b', 'c']) await store().commit([delivery(id, '12345'), audit(id)]);
    await store().commit([{ kind: 'inbox_advance', from: 0, to: 1 }]);
    const first = await store().listDeliveries({ limit: 2 });
    expect(first.items.map((one) => [one.id, one.bytes, one.state])).toEqual([
      ['c', 5, 'pending'],
      ['b', 5, 'pending'],
    ]);
    const cursor = first.next_cursor as string;
    const second = await store().listDeliveries({ limit: 2, cursor });
    expect(second.items.map((one) => [one.id, one.state])).toEqual([['a', 'drained']]);
    expect(second.next_cursor).toBeNull();
    await expect(store().listDeliveries({ limit: 2, alertname: 'x' })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  test('what was recorded is read again in bounded looks, drained or not, parked or not', async ({
    skip,
  }) => {
    skip(!lists());
    await store().commit([delivery('a'), delivery('b'), delivery('c')]);
    await store().commit([
      { kind: 'delivery_failed', seq: 1, error: 'boom', parked: true },
      { kind: 'inbox_advance', from: 0, to: 2 },
    ]);
    const first = await store().recorded({ after: 0, limit: 2 });
    expect([first.deliveries.map(({ id }) => id), first.next]).toEqual([['a', 'b'], 2]);
    expect(first.deliveries[0]).toMatchObject({ seq: 1, source: 'alertmanager', failures: 1 });
    const rest = await store().recorded({ after: 2, limit: 2 });
    expect([rest.deliveries.map(({ id }) => id), rest.next]).toEqual([['c'], null]);
    expect(await store().recorded({ after: 3, limit: 2 })).toEqual({ deliveries: [], next: null });
    await expect(store().recorded({ after: 0, limit: 0 })).rejects.toMatchObject({
      code: 'invalid_request',
    });
  });

  test('the record is bounded by time: since is in it, until is not', async ({ skip }) => {
    skip(!lists());
    const times = [NOW, NOW + 1_000, NOW + 2_000, NOW + 1_500];
    await store().commit(
      times.map((received_at, at) => {
        const made = delivery(`d-${at}`);
        if (made.kind !== 'delivery_add') throw new Error('not a delivery');
        return { ...made, delivery: { ...made.delivery, received_at } };
      }),
    );
    const found = await store().recorded({
      after: 0,
      limit: 10,
      since: NOW + 1_000,
      until: NOW + 2_000,
    });
    // By arrival, although a clock went back in between.
    expect(found.deliveries.map(({ id }) => id)).toEqual(['d-1', 'd-3']);
    const none = await store().recorded({ after: 0, limit: 2, since: NOW + 1_400 });
    expect([none.deliveries, none.next]).toEqual([[], 2]);
  });
}
