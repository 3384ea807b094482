// Runs once for a release, before any of its instances starts.
console.log(`migrating ${process.env.ENVIRONMENT ?? "production"} for ${process.env.COMMIT}`);
