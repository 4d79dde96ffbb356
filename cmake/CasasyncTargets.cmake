# casasync_library(name SOURCES a.cpp ... PUBLIC lib ... PRIVATE lib ...): an adapter, its headers under include/.
# casasync_warnings(target): what every target of ours is compiled with; never applied to a user's target.

option(CASASYNC_WERROR "Treat warnings in our own targets as errors" ${PROJECT_IS_TOP_LEVEL})
set(CASASYNC_SANITIZE "" CACHE STRING "Sanitizers for all targets: address,undefined or thread")

if(CASASYNC_SANITIZE)
  add_compile_options(-fsanitize=${CASASYNC_SANITIZE} -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${CASASYNC_SANITIZE})
  if(CASASYNC_SANITIZE MATCHES "thread" AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    add_compile_options(-Wno-tsan)  # Asio has atomic fences, which GCC's tsan does not model
  endif()
endif()

function(casasync_warnings target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -Wconversion)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # False alarms inside the standard library once code is optimised: GCC bugs 105651, 80635, 100366. What is
    # real of these the sanitizers find.
    target_compile_options(${target} PRIVATE
      -Wno-restrict -Wno-maybe-uninitialized -Wno-array-bounds -Wno-stringop-overflow -Wno-stringop-overread)
  endif()
  if(CASASYNC_WERROR)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()

function(casasync_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(casasync_${name} STATIC ${arg_SOURCES})
  add_library(casasync::${name} ALIAS casasync_${name})
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/include/*.hpp)
  target_sources(casasync_${name} PUBLIC FILE_SET HEADERS BASE_DIRS include FILES ${headers})
  target_link_libraries(casasync_${name} PUBLIC casasync::casasync ${arg_PUBLIC} PRIVATE ${arg_PRIVATE})
  set_target_properties(casasync_${name} PROPERTIES VERIFY_INTERFACE_HEADER_SETS ON EXPORT_NAME ${name})
  if(CASASYNC_INSTALL)
    install(TARGETS casasync_${name} EXPORT casasync-targets FILE_SET HEADERS)
  endif()
  casasync_warnings(casasync_${name})
endfunction()
