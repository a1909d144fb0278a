// SPDX-License-Identifier: MIT
#include <doctest/doctest.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "migrate/source.hpp"

using namespace mtdb::migrate;
using mtdb::Code;

namespace {

namespace fs = std::filesystem;

// A folder of its own that goes with it.
class Folder {
public:
    explicit Folder(std::initializer_list<const char*> files = {}) {
        std::string pattern = (fs::temp_directory_path() / "mtdb-source-XXXXXX").string();
        path_ = mkdtemp(pattern.data());
        for (const char* file : files) write(file, std::string("SELECT '") + file + "';\n");
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { fs::remove_all(path_); }

    void write(const std::string& file, const std::string& text) const {
        fs::create_directories((path_ / file).parent_path());
        std::ofstream(path_ / file, std::ios::binary) << text;
    }
    std::shared_ptr<const Source> load(LayoutChoice choice = LayoutChoice::automatic) const {
        return Source::from_folder(path_.string(), choice);
    }
    mtdb::Error refused(LayoutChoice choice = LayoutChoice::automatic) const {
        try {
            load(choice);
        } catch (const mtdb::Error& error) {
            return error;
        }
        FAIL("the folder was accepted");
        return mtdb::Error(Code::ok, "");
    }

private:
    fs::path path_;
};

std::vector<std::string> names(const Source& source) {
    std::vector<std::string> out;
    for (const Script& script : source.scripts()) out.push_back(script.name());
    return out;
}

bool holds(const mtdb::Error& error, const std::string& text) {
    return error.message().find(text) != std::string::npos;
}

using Texts = std::vector<std::string>;

}  // namespace

TEST_CASE("a Flyway folder is read below its root, versions first, hidden folders not at all") {
    const Folder folder{"V10__j.sql", "V2__b.sql", "sub/V1_1__a.sql", "R__z.sql",
                        "R__A.sql",   "U2__b.sql", ".git/V9__x.sql"};
    const auto source = folder.load();
    CHECK(source->layout() == Layout::flyway);
    CHECK(names(*source) ==
          Texts{"sub/V1_1__a.sql", "V2__b.sql", "V10__j.sql", "R__A.sql", "R__z.sql"});
    CHECK(source->versioned().size() == 3);
    CHECK(source->find(Version::parse("2.0"))->down->name == "U2__b.sql");
    CHECK_FALSE(source->find(Version::parse("10"))->down);
    CHECK(source->find(Version::parse("3")) == nullptr);
    CHECK(source->newest()->version.text() == "10");
    CHECK(source->ignored().empty());
}

TEST_CASE("names that are no scripts are listed with a reason") {
    const Folder folder{"V1__a.sql", "Vx__b.sql", "notes.txt", "U7__gone.sql"};
    const auto source = folder.load();
    REQUIRE(source->ignored().size() == 3);
    CHECK(source->ignored()[0].path == "Vx__b.sql");
    CHECK(source->ignored()[1].path == "notes.txt");
    CHECK(source->ignored()[2].path == "U7__gone.sql");
    CHECK(source->scripts().size() == 1);
}

TEST_CASE("a golang-migrate folder pairs its directions and skips folders below") {
    const Folder folder{"1_a.up.sql",   "1_a.down.sql",   "0003_create_users.up.sql",
                        "5_e.down.sql", "old/2_b.up.sql", "1_x.sql"};
    const auto source = folder.load();
    CHECK(source->layout() == Layout::golang);
    REQUIRE(source->scripts().size() == 3);
    CHECK(source->scripts()[0].up->name == "1_a.up.sql");
    CHECK(source->scripts()[0].down->name == "1_a.down.sql");
    CHECK(source->scripts()[1].number == 3);
    CHECK(source->scripts()[1].version.text() == "3");
    CHECK(source->scripts()[1].description == "create users");
    CHECK_FALSE(source->scripts()[2].up);
    CHECK(source->find_number(5) == &source->scripts()[2]);
    CHECK(source->ignored().size() == 2);
    CHECK(source->golang_obstacle().empty());
}

TEST_CASE("a folder of both layouts is refused and both are named") {
    const Folder folder{"1_a.up.sql", "V1__a.sql"};
    const auto error = folder.refused();
    CHECK(error.code() == Code::invalid_argument);
    CHECK(holds(error, "'V1__a.sql'"));
    CHECK(holds(error, "'1_a.up.sql'"));
    CHECK(folder.load(LayoutChoice::golang)->scripts().size() == 1);
    CHECK(folder.load(LayoutChoice::flyway)->scripts().size() == 1);
}

TEST_CASE("all duplicates are named at once") {
    const auto flyway = Folder{"V1__a.sql",  "sub/V01__b.sql", "V1_0_0__c.sql",
                               "R__x_y.sql", "R__x y.sql",     "V2__ok.sql"}
                            .refused();
    CHECK(flyway.code() == Code::invalid_argument);
    for (const char* name :
         {"'V1__a.sql'", "'sub/V01__b.sql'", "'V1_0_0__c.sql'", "'R__x_y.sql'", "'R__x y.sql'"})
        CHECK(holds(flyway, name));
    CHECK_FALSE(holds(flyway, "V2__ok"));
    const auto golang = Folder{"1_a.up.sql", "0001_b.up.sql"}.refused();
    CHECK(holds(golang, "'0001_b.up.sql'"));
    CHECK(holds(golang, "'1_a.up.sql'"));
}

TEST_CASE("what Flyway would act on and cannot be done is refused by name") {
    for (const char* file : {"B1__base.sql", "afterMigrate.sql", "V1__a.sql.conf", "V2__b.sh"}) {
        CAPTURE(file);
        const Folder folder{"V1__a.sql", file};
        CHECK(folder.refused().code() == Code::unsupported);
        CHECK(folder.refused().script() == file);
    }
    const Folder folder{"9223372036854775808_a.up.sql"};
    CHECK(folder.refused().code() == Code::unsupported);
}

TEST_CASE("a script that is not UTF-8 and a folder that is not there are refused") {
    const Folder folder;
    folder.write("V1__a.sql", "SELECT '\xE9';");
    CHECK(folder.refused().code() == Code::invalid_argument);
    CHECK(folder.refused().script() == "V1__a.sql");
    CHECK_THROWS_AS(Source::from_folder("/nowhere/at/all", LayoutChoice::automatic), mtdb::Error);
    CHECK(Folder{}.load()->scripts().empty());
}

TEST_CASE("a script that cannot be split keeps its fault until it is due") {
    const Folder folder;
    folder.write("V1__a.sql", "BEGIN; SELECT 1; COMMIT;");
    const auto source = folder.load();
    REQUIRE(source->scripts()[0].up->fault);
    CHECK(source->scripts()[0].up->fault->script() == "V1__a.sql");
}

TEST_CASE("inline scripts get names that Flyway's layout gives them") {
    const InlineScript scripts[] = {{"2", "add index", "SELECT 2;", "SELECT -2;"},
                                    {"1.1", "first", "SELECT 1;", {}}};
    const auto source = Source::from_inline(scripts);
    CHECK(names(*source) == Texts{"V1.1__first.sql", "V2__add_index.sql"});
    CHECK(source->find(Version::parse("2"))->down->name == "U2__add_index.sql");
    CHECK(source->golang_obstacle() == "version '1.1' is not one number");
    const InlineScript twice[] = {{"1", "a", "", {}}, {"1.0", "b", "", {}}};
    CHECK_THROWS_WITH_AS(Source::from_inline(twice), "there is a script of version '1'",
                         mtdb::Error);
}

TEST_CASE("the fingerprint follows the scripts") {
    const Folder one{"V1__a.sql"}, same{"V1__a.sql"}, other;
    other.write("V1__a.sql", "SELECT 2;");
    CHECK(one.load()->fingerprint() == same.load()->fingerprint());
    CHECK(one.load()->fingerprint() != other.load()->fingerprint());
}
