mod closed;
mod oracle;
mod routes;
mod world;
