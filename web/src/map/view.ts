/** Where the map last looked: all pages share one camera, so that a place stays in sight from page to page. */

import type { Camera } from "./camera";

export const view: { camera: Camera | null; revision: string } = { camera: null, revision: "" };
