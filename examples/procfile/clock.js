// A worker: it never listens.
setInterval(() => console.log(`tick ${new Date().toISOString()}`), 1_000);
