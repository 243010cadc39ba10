/* Lets the label page open while the server is away: network first, the last good copy otherwise.
   Votes and pairs never pass through here; label.js keeps those itself. */
"use strict";

const CACHE = "rlhf-studio-label-1";
const OURS = /^\/(label\b|assets\/|static\/|svelte\/|theme\.css)/;

self.addEventListener("install", () => self.skipWaiting());

self.addEventListener("activate", (event) => {
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(names.filter((name) => name !== CACHE).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

/* The page names what it loaded before this worker was there. What it no longer uses goes. */
self.addEventListener("message", (event) => {
  if (Array.isArray(event.data?.keep)) event.waitUntil(keepOnly(event.data.keep));
});

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== location.origin || !OURS.test(url.pathname)) return;
  event.respondWith(networkFirst(event.request));
});

async function networkFirst(request) {
  try {
    const reply = await fetch(request);
    if (reply.ok) {
      const copy = reply.clone();
      caches.open(CACHE).then((cache) => cache.put(request, copy)).catch(() => {});
    }
    return reply;
  } catch (error) {
    const page = request.mode === "navigate";
    const kept = await caches.match(request, { ignoreSearch: page, ignoreVary: true });
    if (kept) return kept;
    throw error;
  }
}

async function keepOnly(urls) {
  const wanted = new Set(urls.filter((url) => OURS.test(new URL(url).pathname)));
  const cache = await caches.open(CACHE);
  const kept = new Set((await cache.keys()).map((request) => request.url));
  await Promise.all([...kept].filter((url) => !wanted.has(url)).map((url) => cache.delete(url)));
  // One that fails is fetched again by the next visit.
  await Promise.allSettled([...wanted].filter((url) => !kept.has(url)).map((url) => cache.add(url)));
}
