//! Stops the cluster the tests share, without waiting for it to notice that nobody is left.

fn main() -> Result<(), storage::EmbeddedError> {
    storage::testing::stop_shared_cluster()
}
