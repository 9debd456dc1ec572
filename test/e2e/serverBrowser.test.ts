import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { launchBrowser } from '../../scripts/vscode/browser.ts';
import { CuttingProxy } from '../support/cuttingProxy.ts';
import { ServedApi, testToken } from '../support/servedApi.ts';
import { temporaryDirectory } from '../support/storeFixtures.ts';
import { requireChromium } from '../support/suites.ts';

const chromium = await requireChromium();

/** A page that follows along as any page would: a ticket first, and then the browser's own EventSource. */
const page = (url: string): string => `<!DOCTYPE html><title>Follows</title><script>
  window.seen = [];
  (async () => {
    const answer = await fetch('${url}/api/tickets', { method: 'POST', headers: { authorization: 'Bearer ${testToken}' } });
    const { ticket } = await answer.json();
    const source = new EventSource('${url}/api/events/orchestrator?last_event_id=0&ticket=' + ticket);
    for (const type of ['stage-update', 'task-event'])
      source.addEventListener(type, ({ lastEventId }) => window.seen.push(Number(lastEventId)));
  })();
</script>`;

test.skipIf(chromium.skip)(
  'a browser’s EventSource follows through a thousand breaks, from a page whose origin was allowed',
  async () => {
    const cuts = 1_000;
    const home = await temporaryDirectory();
    const pages = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(page(`http://127.0.0.1:${proxy.port}`));
    });
    await new Promise<void>((resolve) => pages.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void pages.close());
    const origin = `http://127.0.0.1:${(pages.address() as AddressInfo).port}`;
    const api = await ServedApi.open({ allowedOrigins: [origin], limits: { retryMs: 1 } });
    let isFollowing = false;
    const proxy = await CuttingProxy.open(api.port, () =>
      isFollowing && proxy.cuts < cuts ? Math.floor(Math.random() * 3_000) : null,
    );
    const id = await api.create('One');
    const browser = await launchBrowser(home);
    onTestFinished(() => browser.close());
    const tab = await browser.newPage();
    await tab.goto(origin);
    await tab.waitForFunction('window.seen.length === 2');
    isFollowing = true;
    // The stream that stands is left whole: the next one, and those after it, are cut.
    proxy.cutAll();
    for (let priority = 1; proxy.cuts < cuts; priority += 1) {
      await api.prioritize(id, priority);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await api.prioritize(id, -1);
    const seqs = (await api.audit()).map(({ seq }) => seq);
    await tab.waitForFunction(`window.seen.at(-1) === ${seqs.at(-1)}`);
    expect(await tab.evaluate('window.seen')).toEqual(seqs);
  },
);
