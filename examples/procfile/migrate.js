// Runs once for a release, before any of its instances starts.
console.log(`migrating for ${process.env.COMMIT}`);
