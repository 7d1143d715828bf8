//! On MySQL and MariaDB a trigger runs as the account that has made it. When that is dropped, all
//! writes fail.

use sea_orm::{ConnectionTrait, Database};

use crate::harness::lampposts::*;

#[apply(on_mariadb_and_mysql)]
async fn as_the_doctor_says_before_a_write_fails(db: TestDb) {
    set_up_lampposts(&db).await;
    a_lamppost(&db, "Ada").await;
    lampposts().uninstall(&*db).await.expect("uninstalled");
    let account = format!("installer_{}_{}", std::process::id(), fastrand::u32(..));
    let users = format!("{account}@localhost, {account}@'%'");
    db.sql(&format!("CREATE USER {users}; GRANT ALL ON *.* TO {users}")).await;
    let (_, place) = db.url.split_once('@').expect("a user in the URL");
    let installer = Database::connect(format!("mysql://{account}@{place}")).await;
    let installed = match &installer {
        Ok(installer) => lampposts().install(installer).await.map(|_| ()),
        Err(error) => panic!("{error}"),
    };
    let healthy = lampposts().doctor(&*db).await.expect("examined").to_string();
    installer.expect("connected").close().await.expect("closed");
    db.sql(&format!("DROP USER {users}")).await;
    installed.expect("installed");
    assert_eq!(healthy, "nothing is wrong\n");

    let diagnosis = lampposts().doctor(&*db).await.expect("examined").to_string();
    let lines: Vec<&str> = diagnosis.lines().collect();
    assert_eq!(lines.len(), 13, "one a trigger, and nothing else: {diagnosis}");
    let said = |line: &&str| {
        line.starts_with("lamppost: trigger zz_cached_field_lamppost_")
            && line.contains(&format!(" as the account `{account}@"))
    };
    assert!(lines.iter().all(said), "{diagnosis}");
    let write = "UPDATE lamppost SET first_name = 'Bob'";
    let error = db.execute_unprepared(write).await.expect_err("the account is gone").to_string();
    assert!(error.contains("1449"), "{error}");

    let report = format!("{:#}", lampposts().install(&*db).await.expect("installed"));
    assert_eq!(
        report.lines().filter(|line| line.starts_with("lamppost: replaced trigger ")).count(),
        13,
        "{report}"
    );
    db.sql(write).await;
    assert_eq!(lampposts().install(&*db).await.expect("installed").to_string(), "nothing to do\n");
    assert_eq!(lampposts().doctor(&*db).await.expect("examined").to_string(), "nothing is wrong\n");
}

/// An account that sees no others cannot tell, and says nothing wrong of triggers of another
/// account that exists.
#[apply(on_mariadb_and_mysql)]
async fn but_not_those_of_an_account_that_is_only_unseen(db: TestDb) {
    set_up_lampposts(&db).await;
    let account = format!("reader_{}_{}", std::process::id(), fastrand::u32(..));
    let users = format!("{account}@localhost, {account}@'%'");
    let name: String = db.scalar("SELECT database()").await;
    db.sql(&format!("CREATE USER {users}; GRANT ALL ON {name}.* TO {users}")).await;
    let (_, place) = db.url.split_once('@').expect("a user in the URL");
    let reader = Database::connect(format!("mysql://{account}@{place}")).await;
    let diagnosis = match &reader {
        Ok(reader) => lampposts().doctor(reader).await.map(|diagnosis| diagnosis.to_string()),
        Err(error) => panic!("{error}"),
    };
    db.sql(&format!("DROP USER {users}")).await;
    assert_eq!(diagnosis.expect("examined"), "nothing is wrong\n");
}
