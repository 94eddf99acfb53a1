/** Parts of the page that are fetched when they are first needed. */

import { base } from "../api/base";
import { live, lineUp } from "../api/live.svelte";

/**
 * Fetch a part. While the service is away it is fetched once the line is back; where the service answers and the part
 * is no longer there, this tab is older than the service, and the page says so.
 */
export async function part<Part>(load: () => Promise<Part>): Promise<Part> {
  try {
    return await load();
  } catch (error) {
    if (await answers()) {
      live.upgraded = true;
      throw error;
    }
    await lineUp();
    return load();
  }
}

async function answers(): Promise<boolean> {
  try {
    await fetch(`${base()}/api/v1/session`);
    return true;
  } catch {
    return false;
  }
}
