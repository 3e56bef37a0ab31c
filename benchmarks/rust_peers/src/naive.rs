//! The naive peer behind a server in Rust: messages by prost, a pool of connections, one statement a call.

use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;

use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod};
use http::{Request, Response};
use hyper::body::Incoming;
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls, Row};
use tonic::Status;
use tonic::body::Body;
use tonic::server::{Grpc, UnaryService};
use tonic_prost::ProstCodec;
use utterson_codec::proto::v1::{IdentifyRequest, IdentifyResponse, Resolution};

use crate::Failure;
use crate::serving::Serve;

const RESOLVE: &str = "SELECT resolved, outcome FROM resolve($1, $2, $3)";
const TRIES_MAX: u32 = 10;

/// Answers Identify of workspaces with the preset `identity_graph_rules`.
#[derive(Clone)]
pub struct Naive {
    pool: Pool,
}

impl Naive {
    /// Connects to a database that has the functions of `naive.sql`.
    pub async fn connect(database_url: &str, connections: usize) -> Result<Self, Failure> {
        let config = Config::from_str(database_url)?;
        // Nothing is asked of a connection that comes back: a round trip a call for nothing.
        let manager = Manager::from_config(config, NoTls, ManagerConfig { recycling_method: RecyclingMethod::Fast });
        let pool = Pool::builder(manager).max_size(connections).build()?;
        // What is wrong with the database is told now.
        pool.get().await?.prepare_cached(RESOLVE).await?;
        Ok(Self { pool })
    }

    /// Resolves in the database; a call that met another in its way is sent again.
    async fn resolve(&self, request: &IdentifyRequest) -> Result<IdentifyResponse, Status> {
        if request.identifiers.is_empty() {
            return Err(Status::invalid_argument("a call needs an identifier"));
        }
        let types: Vec<&str> = request.identifiers.iter().map(|one| one.r#type.as_str()).collect();
        let values: Vec<&str> = request.identifiers.iter().map(|one| one.value.as_str()).collect();
        for _ in 0..TRIES_MAX {
            match self.row(&request.workspace, &types, &values).await {
                Ok(row) => {
                    let resolution =
                        Resolution { profile_id: row.get(0), outcome: row.get(1), ..Resolution::default() };
                    return Ok(IdentifyResponse { resolution: Some(resolution) });
                }
                Err(failure) if is_repeatable(&failure) => {}
                Err(failure) => return Err(Status::unavailable(failure.to_string())),
            }
        }
        Err(Status::aborted("too many others at the same profiles"))
    }

    async fn row(&self, workspace: &str, types: &[&str], values: &[&str]) -> Result<Row, Failure> {
        let connection = self.pool.get().await?;
        let statement = connection.prepare_cached(RESOLVE).await?;
        Ok(connection.query_one(&statement, &[&workspace, &types, &values]).await?)
    }
}

/// Whether another call was in the way, so that the same call may be sent again.
fn is_repeatable(failure: &Failure) -> bool {
    let code = failure.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::code);
    code.is_some_and(|code| [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED].contains(code))
}

impl Serve for Naive {
    async fn identify(&self, request: Request<Incoming>) -> Response<Body> {
        Grpc::new(ProstCodec::<IdentifyResponse, IdentifyRequest>::default()).unary(self.clone(), request).await
    }
}

impl UnaryService<IdentifyRequest> for Naive {
    type Response = IdentifyResponse;
    type Future = Pin<Box<dyn Future<Output = Result<tonic::Response<IdentifyResponse>, Status>> + Send>>;

    fn call(&mut self, request: tonic::Request<IdentifyRequest>) -> Self::Future {
        let naive = self.clone();
        Box::pin(async move { naive.resolve(request.get_ref()).await.map(tonic::Response::new) })
    }
}
